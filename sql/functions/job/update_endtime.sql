CREATE OR REPLACE FUNCTION approval.update_endtime(p_jid text, p_endtime double precision) RETURNS void
    -- See get_load.
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    UPDATE approval.job SET ended_at = p_endtime WHERE jid = p_jid;
END
$$;
COMMENT ON FUNCTION approval.update_endtime IS 'Notes when a job ended, in seconds since 1970 UTC. Definer: tables are private.';
