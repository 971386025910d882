CREATE OR REPLACE FUNCTION approval.get_jids(p_limit integer) RETURNS TABLE (jid text, load bytea, minions text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT j.jid, j.load, j.minions FROM approval.job AS j ORDER BY j.jid DESC LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.get_jids IS 'Jobs, newest first; NULL: all of them. Definer: tables are private.';
