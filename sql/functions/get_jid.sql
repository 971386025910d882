CREATE OR REPLACE FUNCTION approval.get_jid(p_jid text) RETURNS TABLE (minion_id text, payload bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT DISTINCT ON (r.minion_id) r.minion_id, r.payload
FROM approval.job_return AS r
WHERE r.jid = p_jid
ORDER BY r.minion_id, r.authenticated DESC, r.attempt DESC
$$;
COMMENT ON FUNCTION approval.get_jid(text) IS
    'The return of each minion for a job: the latest, but never an unauthenticated one before an authenticated. Definer: tables are private.';
