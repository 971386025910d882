CREATE OR REPLACE FUNCTION approval.dispatch_summary(p_request_id bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT format('sent to %s', approval.counted(count(*), 'minion')) || CASE count(*) FILTER (WHERE unanswered)
    WHEN 0 THEN '' ELSE format('; %s did not answer', CASE count(*) FILTER (WHERE unanswered)
        WHEN 1 THEN min(minion_id) FILTER (WHERE unanswered) ELSE count(*) FILTER (WHERE unanswered)::text END)
        || CASE WHEN bool_and(proof = 'state') THEN '; a highstate brings it' ELSE '' END END
FROM (SELECT d.minion_id, d.proof, i.outcome <> 'converged' AND answer.jid IS NULL AS unanswered
      FROM approval.dispatch AS d JOIN approval.item AS i USING (minion_id, item_id)
      -- One by one by their keys: nobody wants all returns read.
      LEFT JOIN LATERAL (
          SELECT r.jid FROM approval.job_return AS r WHERE r.jid = d.jid AND r.minion_id = d.minion_id LIMIT 1) AS answer ON true
      WHERE d.request_id = p_request_id AND d.jid IS NOT NULL) AS sent
HAVING count(*) > 0
$$;
COMMENT ON FUNCTION approval.dispatch_summary IS
    'Internal: all that is known of the jobs that a request was sent with: to how many minions, and who did not answer. A job that '
    'was published may not have reached a minion. NULL: nothing was sent.';
