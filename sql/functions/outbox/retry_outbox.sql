CREATE OR REPLACE FUNCTION approval.retry_outbox(p_provider text, p_subject text, p_destination text, p_thread text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number constant bigint := approval.request_of(p_thread);
    moment timestamptz;
    actor record;
    revived bigint[];
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    IF number IS NOT NULL THEN
        PERFORM approval.lock_request(number, actor.principal_id);
    END IF;
    moment := clock_timestamp();
    WITH changed AS (
        UPDATE approval.outbox AS o SET state = 'waiting', attempts = 0, due_at = moment, leased_until = NULL
        WHERE o.destination = p_destination AND o.thread = p_thread AND o.state = 'dead'
        RETURNING o.seq
    )
    SELECT array_agg(seq ORDER BY seq) INTO revived FROM changed;
    IF revived IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('%s has no dead message to %s',
                             coalesce('request ' || number, p_thread, 'NULL'), coalesce(p_destination, 'NULL'));
    END IF;
    PERFORM approval.audit_append(coalesce(number, 0), moment, 'outbox-retried', actor.name,
                                  p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('destination', p_destination, 'thread', p_thread, 'messages', revived));
    NOTIFY approval_outbox;
    RETURN cardinality(revived);
END
$$;
COMMENT ON FUNCTION approval.retry_outbox IS
    'Gives the dead messages of a thread to a destination another chance; recorded. Gives how many. Raises AP001, AP002, AP006, '
    'AP014. Definer: tables are private.';
