CREATE OR REPLACE FUNCTION approval.get_endtime(p_jid text) RETURNS double precision
    -- See get_load.
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN (SELECT j.ended_at FROM approval.job AS j WHERE j.jid = p_jid);
END
$$;
COMMENT ON FUNCTION approval.get_endtime IS
    'When a job ended, in seconds since 1970 UTC; NULL: not known. Definer: tables are private.';
