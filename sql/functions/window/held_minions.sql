CREATE OR REPLACE FUNCTION approval.held_minions(p_calendar text) RETURNS text[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(array_agg(DISTINCT i.minion_id), '{}')
FROM approval.item AS i
JOIN approval.request AS r USING (request_id)
JOIN approval.request_type AS t USING (type_name, type_version)
WHERE i.state = 'approved' AND i.outcome <> 'converged' AND (p_calendar IS NULL OR t.calendar_name = p_calendar)
$$;
COMMENT ON FUNCTION approval.held_minions IS
    'Internal: minions with a change that a window (this calendar; NULL: any) or a freeze may hold back.';
