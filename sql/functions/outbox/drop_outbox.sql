CREATE OR REPLACE FUNCTION approval.drop_outbox(p_provider text, p_subject text, p_destination text, p_thread text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number constant bigint := approval.request_of(p_thread);
    moment timestamptz;
    actor record;
    dropped jsonb;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    IF p_destination IS NULL OR p_destination = 'salt' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'what is to be sent to minions cannot be dropped',
            HINT = 'Cancel the request, or ask for a revert.';
    END IF;
    IF number IS NOT NULL THEN
        PERFORM approval.lock_request(number, actor.principal_id);
    END IF;
    moment := clock_timestamp();
    WITH gone AS (
        DELETE FROM approval.outbox AS o
        WHERE o.destination = p_destination AND o.thread = p_thread AND o.state <> 'delivered'
            AND (o.leased_until IS NULL OR o.leased_until <= moment)
        RETURNING o.seq, o.topic, o.body
    )
    SELECT jsonb_agg(jsonb_build_object('seq', seq, 'topic', topic, 'body', body) ORDER BY seq) INTO dropped FROM gone;
    IF dropped IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('%s has no message to %s that waits', coalesce('request ' || number, p_thread, 'NULL'), p_destination);
    END IF;
    PERFORM approval.audit_append(coalesce(number, 0), moment, 'outbox-dropped', actor.name,
                                  p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('destination', p_destination, 'thread', p_thread, 'messages', dropped));
    RETURN jsonb_array_length(dropped);
END
$$;
COMMENT ON FUNCTION approval.drop_outbox IS
    'Drops the messages of a thread to a destination other than salt that were not delivered, for nobody may consume it; the audit '
    'keeps what they said. Gives how many. Raises AP001, AP002, AP005, AP006, AP014. Definer: tables are private.';
