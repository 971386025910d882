CREATE OR REPLACE FUNCTION approval.session_end(p_began_at timestamptz, p_seen_at timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT least(p_began_at + interval '10 hours', p_seen_at + interval '30 minutes')
$$;
COMMENT ON FUNCTION approval.session_end IS
    'Internal: when a session on the web ends that began and was last used then: after thirty minutes without use, and after ten '
    'hours in any case.';
