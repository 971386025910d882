CREATE OR REPLACE FUNCTION approval.plan_summary(p_request_id bigint) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object(
    'plan', p.plan_no, 'planned_at', p.planned_at, 'planned_by', p.planned_by, 'digest', p.digest,
    'of_present_items', p.item_set_version = r.item_set_version,
    'minions', p.minion_count,
    'outcomes', (SELECT jsonb_object_agg(tally.outcome, tally.count)
                 FROM (SELECT m.outcome, count(*) AS count FROM approval.request_plan_minion AS m
                       WHERE m.request_id = p.request_id AND m.plan_no = p.plan_no GROUP BY m.outcome) AS tally),
    'changes', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'name', change.name, 'old', change.old, 'new', change.new, 'minions', change.minions, 'asked_for', change.asked_for)
            ORDER BY change.asked_for DESC, change.name), '[]')
        FROM (
            SELECT entry.name, entry.change ->> 'old' AS old, entry.change ->> 'new' AS new, count(*) AS minions,
                EXISTS (SELECT FROM approval.item AS i
                        WHERE i.request_id = p.request_id AND i.item_set_version = p.item_set_version
                            AND entry.name IN (i.name, i.name || ' (' || i.kind || ')')) AS asked_for
            FROM approval.request_plan_minion AS m, jsonb_each(m.changes) AS entry (name, change)
            WHERE m.request_id = p.request_id AND m.plan_no = p.plan_no
            GROUP BY entry.name, entry.change ->> 'old', entry.change ->> 'new'
            ORDER BY asked_for DESC, entry.name LIMIT 200) AS change))
FROM approval.request AS r
JOIN approval.request_plan AS p USING (request_id)
WHERE r.request_id = p_request_id
ORDER BY p.plan_no DESC LIMIT 1
$$;
COMMENT ON FUNCTION approval.plan_summary IS
    'Internal: the newest plan of a request over all its minions: how many would change what, the first two hundred changes; NULL: '
    'no plan. asked_for tells what the request names from what that brings along.';
