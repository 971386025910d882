CREATE OR REPLACE FUNCTION approval.retry_outbox(p_provider text, p_subject text, p_destination text, p_request_id bigint) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    actor record;
    revived bigint[];
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    PERFORM approval.lock_request(p_request_id);
    moment := clock_timestamp();
    WITH changed AS (
        UPDATE approval.outbox AS o SET state = 'waiting', attempts = 0, due_at = moment, leased_until = NULL
        WHERE o.destination = p_destination AND o.request_id = p_request_id AND o.state = 'dead'
        RETURNING o.seq
    )
    SELECT array_agg(seq ORDER BY seq) INTO revived FROM changed;
    IF revived IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s has no dead message to %s', p_request_id, coalesce(p_destination, 'NULL'));
    END IF;
    PERFORM approval.audit_append(p_request_id, moment, 'outbox-retried', actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('destination', p_destination, 'messages', revived));
    NOTIFY approval_outbox;
    RETURN cardinality(revived);
END
$$;
COMMENT ON FUNCTION approval.retry_outbox IS
    'Gives the dead messages of a request to a destination another chance; recorded. Gives how many. Raises AP001, AP002, AP006, AP014. '
    'Definer: tables are private.';
