CREATE OR REPLACE FUNCTION approval.get_endtime(p_jid text) RETURNS double precision
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT ended_at FROM approval.job WHERE jid = p_jid
$$;
COMMENT ON FUNCTION approval.get_endtime IS
    'When a job ended, in seconds since 1970 UTC; NULL: not known. Definer: tables are private.';
