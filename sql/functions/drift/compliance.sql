CREATE OR REPLACE FUNCTION approval.compliance() RETURNS TABLE (standing text, minions bigint, resources bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT s.name, coalesce(g.minions, 0), CASE WHEN s.name = 'drifting' THEN coalesce(g.resources, 0) END
FROM (SELECT approval.readable_groups(approval.reading_as(), 'requests') AS groups) AS r
CROSS JOIN unnest(ARRAY['converged', 'drifting', 'failed', 'waiting', 'silent', 'unknown']) WITH ORDINALITY AS s (name, place)
LEFT JOIN approval.count_standings(r.groups) AS g ON g.standing = s.name AND g.minion_group IS NULL
ORDER BY s.place
$$;
COMMENT ON FUNCTION approval.compliance IS
    'How many minions, of those that the login may read, stand how to what is approved for them (see view standing), also where '
    'there is none; of drifting ones how many resources. Definer: tables are private.';
