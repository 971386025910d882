CREATE OR REPLACE FUNCTION approval.get_load(p_jid text) RETURNS TABLE (load bytea, minions text[])
    -- Planned for this job: its partition alone is opened and locked, however many days are kept. So also in the functions
    -- beside it.
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY SELECT j.load, j.minions FROM approval.job AS j WHERE j.jid = p_jid;
END
$$;
COMMENT ON FUNCTION approval.get_load IS
    'The load that was published under a jid, and for which minions; no row: nothing. Definer: tables are private.';
