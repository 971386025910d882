CREATE OR REPLACE FUNCTION approval.list_catalog_returns(p_limit integer)
    RETURNS TABLE (minion_id text, nonce text, attempt integer, payload bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT a.minion_id, a.nonce, r.attempt, r.payload
FROM approval.catalog_ask AS a
CROSS JOIN LATERAL (
    SELECT e.attempt, e.payload FROM approval.job_return AS e
    WHERE e.jid = a.jid AND e.minion_id = a.minion_id AND e.attempt > a.attempt
    ORDER BY e.attempt LIMIT 1) AS r
WHERE a.answered_at IS NULL AND a.asked_at > now() - interval '1 day'
ORDER BY a.asked_at, a.minion_id
LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.list_catalog_returns IS
    'Answers of minions about their packages that nobody looked at yet, of each minion the first. Definer: tables are private.';
