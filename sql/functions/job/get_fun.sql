CREATE OR REPLACE FUNCTION approval.get_fun(p_fun text) RETURNS TABLE (minion_id text, jid text, payload bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT DISTINCT ON (r.minion_id) r.minion_id, r.jid, r.payload
FROM approval.job_return AS r
WHERE r.fun = p_fun
ORDER BY r.minion_id, r.received_at DESC, r.attempt DESC
$$;
COMMENT ON FUNCTION approval.get_fun IS 'The newest return of a function from each minion. Definer: tables are private.';
