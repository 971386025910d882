CREATE OR REPLACE FUNCTION approval.jid_time(p_jid text) RETURNS timestamptz
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_jid !~ '^[0-9]{20}(_[0-9]+)?$' THEN
        RETURN NULL;
    END IF;
    RETURN make_timestamptz(substr(p_jid, 1, 4)::integer, substr(p_jid, 5, 2)::integer, substr(p_jid, 7, 2)::integer,
        substr(p_jid, 9, 2)::integer, substr(p_jid, 11, 2)::integer, substr(p_jid, 13, 2)::double precision, 'UTC');
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION approval.jid_time(text) IS
    'The time that a jid''s digits name, read as UTC though a master may write local time: good to about a day. NULL: not a jid.';
