CREATE OR REPLACE FUNCTION approval.readings(p_reader bigint) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(jsonb_object_agg(w.what, g.groups), '{}')
FROM unnest(ARRAY['requests', 'values', 'job_log', 'audit']) AS w (what)
CROSS JOIN LATERAL (SELECT approval.readable_groups(p_reader, w.what) AS groups) AS g
WHERE g.groups IS NOT NULL
$$;
COMMENT ON FUNCTION approval.readings IS
    'Internal: what a principal (see reading_as) may not read of all minions: {requests, values, job_log, audit: the groups of '
    'minions of which they may}.';
