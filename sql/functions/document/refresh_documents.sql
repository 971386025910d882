CREATE OR REPLACE FUNCTION approval.refresh_documents(p_minions text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := approval.lock_minions(p_minions);
    overtaken bigint;
BEGIN
    FOREACH overtaken IN ARRAY approval.rewrite_documents(p_minions, moment) LOOP
        PERFORM approval.settle_request(overtaken, moment);
    END LOOP;
    -- Messages for what waits there are looked at now, and not when a window was to open before. Those that failed keep their
    -- pause.
    UPDATE approval.outbox AS o SET due_at = moment
    WHERE o.destination = 'salt' AND o.state = 'waiting' AND o.attempts = 0 AND o.due_at > moment AND o.request_id IN (
        SELECT i.request_id FROM approval.item AS i
        WHERE i.minion_id = ANY (p_minions) AND i.state = 'approved' AND i.outcome <> 'converged');
    IF FOUND THEN
        NOTIFY approval_outbox;
    END IF;
END
$$;
COMMENT ON FUNCTION approval.refresh_documents IS
    'Internal: brings the documents of these minions in line with what their items, windows and freezes are now, and requests with '
    'that; what waited to be sent there is due to be looked at.';
