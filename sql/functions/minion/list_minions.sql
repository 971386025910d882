CREATE OR REPLACE FUNCTION approval.list_minions() RETURNS TABLE (minion_id text, revision bigint, last_return timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT m.minion_id, coalesce(d.revision, 0), (
    SELECT max(r.received_at) FROM approval.job_return AS r WHERE r.minion_id = m.minion_id)
FROM (SELECT approval.readable_groups(approval.reading_as(), 'requests') AS readable) AS r
CROSS JOIN approval.minion AS m
LEFT JOIN approval.document_in_force(now()) AS d USING (minion_id)
WHERE m.removed_at IS NULL AND approval.in_groups(m.minion_id, r.readable)
ORDER BY m.minion_id COLLATE "C"
$$;
COMMENT ON FUNCTION approval.list_minions IS
    'Registered minions that the login may read, without removed ones, with the revision in force (0: nothing approved yet) and '
    'their latest return. Definer: tables are private.';
