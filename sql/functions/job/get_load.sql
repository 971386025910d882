CREATE OR REPLACE FUNCTION approval.get_load(p_jid text) RETURNS TABLE (load bytea, minions text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT j.load, j.minions FROM approval.job AS j WHERE j.jid = p_jid
$$;
COMMENT ON FUNCTION approval.get_load IS
    'The load that was published under a jid, and for which minions; no row: nothing. Definer: tables are private.';
