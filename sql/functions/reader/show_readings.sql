CREATE OR REPLACE FUNCTION approval.show_readings() RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.readings(approval.reading_as())
$$;
COMMENT ON FUNCTION approval.show_readings IS
    'What the login may not read of all minions: {requests, values, job_log, audit: the groups of minions of which it may}. '
    'Definer: tables are private.';
