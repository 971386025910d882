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
    -- pause; one that is locked is being looked at.
    UPDATE approval.outbox AS o SET due_at = moment
    FROM (SELECT w.destination, w.thread, w.seq FROM approval.outbox AS w
          WHERE w.destination = 'salt' AND w.state = 'waiting' AND w.attempts = 0 AND w.due_at > moment AND w.request_id IN (
              SELECT i.request_id FROM approval.item AS i
              WHERE i.minion_id = ANY (p_minions) AND i.state = 'approved' AND i.outcome <> 'converged')
          FOR UPDATE SKIP LOCKED) AS free
    WHERE o.destination = free.destination AND o.thread = free.thread AND o.seq = free.seq;
    IF FOUND THEN
        NOTIFY approval_outbox;
    END IF;
    -- Minions that wait to be caught up in a window are due, too; not those that are left alone for minutes after their start.
    UPDATE approval.catch_up AS c SET due_at = moment
    WHERE c.minion_id = ANY (p_minions) AND c.state = 'waiting' AND c.due_at > moment + interval '5 minutes';
END
$$;
COMMENT ON FUNCTION approval.refresh_documents IS
    'Internal: brings the documents of these minions in line with what their items, windows and freezes are now, and requests with '
    'that; what waited to be sent there, or caught up, is due to be '
    'looked at.';
