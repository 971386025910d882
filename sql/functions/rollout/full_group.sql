CREATE OR REPLACE FUNCTION approval.full_group(p_minion_id text, p_now timestamptz) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT min(g.group_name)
FROM approval.minion_group_member AS own
JOIN approval.minion_group AS g ON g.group_name = own.group_name AND g.at_once IS NOT NULL
WHERE own.minion_id = p_minion_id AND g.at_once <= (
    SELECT count(*) FROM approval.minion_group_member AS m
    WHERE m.group_name = g.group_name AND m.minion_id <> p_minion_id AND approval.in_flight(m.minion_id, p_now))
$$;
COMMENT ON FUNCTION approval.full_group IS
    'Internal: a minion group with at_once that keeps anything from being sent to this minion, as so many others of it are in '
    'flight; NULL: none does.';
