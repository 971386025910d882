CREATE OR REPLACE FUNCTION approval.dispatch_summary(p_request_id bigint) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    -- Those that wait longest of a large request are not all looked at.
    looked_at constant integer := 1000;
    version integer := (SELECT r.item_set_version FROM approval.request AS r WHERE r.request_id = p_request_id);
    sent bigint;
    is_state boolean;
    open record;
BEGIN
    SELECT count(*) INTO sent FROM approval.dispatch AS d WHERE d.request_id = p_request_id AND d.jid IS NOT NULL;
    IF sent = 0 THEN
        RETURN NULL;
    END IF;
    SELECT d.proof = 'state' INTO is_state FROM approval.dispatch AS d
    WHERE d.request_id = p_request_id AND d.jid IS NOT NULL LIMIT 1;
    SELECT count(*) AS looked_at, count(*) FILTER (WHERE w.is_unanswered) AS unanswered,
        min(w.minion_id) FILTER (WHERE w.is_unanswered) AS minion_id
    INTO open
    FROM (SELECT i.minion_id, answer.jid IS NULL AS is_unanswered
          FROM (SELECT e.minion_id, e.item_id FROM approval.item AS e
                WHERE e.request_id = p_request_id AND e.item_set_version = version AND e.outcome <> 'converged' OFFSET 0) AS i
          -- One by one by their keys: nobody wants all sendings and returns read.
          CROSS JOIN LATERAL (
              SELECT d.jid, d.minion_id FROM approval.dispatch AS d
              WHERE d.minion_id = i.minion_id AND d.item_id = i.item_id AND d.jid IS NOT NULL LIMIT 1) AS d
          LEFT JOIN LATERAL (
              SELECT r.jid FROM approval.job_return AS r WHERE r.jid = d.jid AND r.minion_id = d.minion_id LIMIT 1) AS answer
              ON true
          LIMIT looked_at) AS w;
    RETURN format('sent to %s', approval.counted(sent, 'minion'))
        || CASE WHEN open.unanswered = 0 THEN ''
                WHEN open.unanswered = 1 THEN format('; %s did not answer', open.minion_id)
                WHEN open.looked_at < looked_at THEN format('; %s did not answer', open.unanswered)
                ELSE format('; at least %s did not answer', open.unanswered) END
        || CASE WHEN open.unanswered > 0 AND is_state THEN '; a highstate brings it' ELSE '' END;
END
$$;
COMMENT ON FUNCTION approval.dispatch_summary IS
    'Internal: all that is known of the jobs that a request was sent with: to how many minions, and who did not answer, of the '
    'first thousand that have proven nothing. A job that was published may not have reached a minion. NULL: nothing was sent.';
