CREATE OR REPLACE FUNCTION approval.plan_summary(p_request_id bigint) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object(
    'plan', p.plan_no, 'planned_at', p.planned_at, 'planned_by', p.planned_by, 'digest', p.digest,
    'of_present_items', p.item_set_version = r.item_set_version,
    'minions', p.minion_count, 'outcomes', p.outcomes, 'changes', p.changes)
FROM approval.request AS r
JOIN approval.request_plan AS p USING (request_id)
WHERE r.request_id = p_request_id
ORDER BY p.plan_no DESC LIMIT 1
$$;
COMMENT ON FUNCTION approval.plan_summary IS
    'Internal: the newest plan of a request over all its minions: how many would change what, the first two hundred changes; NULL: '
    'no plan. asked_for tells what the request names from what that brings along.';
