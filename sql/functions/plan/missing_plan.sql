CREATE OR REPLACE FUNCTION approval.missing_plan(p_request_id bigint, p_now timestamptz) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT format('no plan of its present items that is no older than %s', t.plan_within)
FROM approval.request AS r JOIN approval.request_type AS t USING (type_name, type_version)
WHERE r.request_id = p_request_id AND t.plan_within IS NOT NULL
    AND NOT EXISTS (SELECT FROM approval.decision AS d WHERE d.request_id = p_request_id
        AND d.item_set_version >= r.reviewed_version)
    AND NOT EXISTS (
        SELECT FROM approval.request_plan AS p
        WHERE p.request_id = p_request_id AND p.item_set_version = r.item_set_version AND p.planned_at > p_now - t.plan_within
            AND EXISTS (SELECT FROM approval.request_plan_minion AS m
                        WHERE m.request_id = p.request_id AND m.plan_no = p.plan_no AND m.outcome <> 'silent'))
$$;
COMMENT ON FUNCTION approval.missing_plan IS
    'Internal: the plan that a pending request has to have at p_now before it gets its first approval, and has not; NULL: none is '
    'missing.';
