CREATE OR REPLACE FUNCTION approval.get_minions() RETURNS TABLE (minion_id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT DISTINCT r.minion_id FROM approval.job_return AS r ORDER BY r.minion_id
$$;
COMMENT ON FUNCTION approval.get_minions IS 'Minions that a return is kept of. Definer: tables are private.';
