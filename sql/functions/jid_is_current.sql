CREATE OR REPLACE FUNCTION approval.jid_is_current(p_jid text, p_now timestamptz) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- plpgsql, as it keeps the plan for the session. A day more at both ends than asked for, as a jid may be in the master's local time.
    RETURN coalesce(approval.jid_time(p_jid) BETWEEN
        p_now - interval '1 day'
            - make_interval(hours => (SELECT s.content::integer FROM approval.setting AS s WHERE s.name = 'keep_jobs_hours'))
        AND p_now + interval '2 days', false);
END
$$;
COMMENT ON FUNCTION approval.jid_is_current(text, timestamptz) IS
    'Internal: whether this is a jid, and of a job that is still kept or of the day to come.';
