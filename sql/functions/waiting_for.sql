CREATE OR REPLACE FUNCTION approval.waiting_for(p_request_id bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(approval.open_overlap(p_request_id) || '; ', '') || format('stage %s (%s): %s', s.stage_no, s.name, string_agg(
    CASE WHEN able.members < q.quorum
        THEN format('blocked, %s has %s of %s approvers it needs', q.group_name, able.members, q.quorum)
        ELSE format('%s of %s', q.quorum, q.group_name) END, ', or ' ORDER BY q.group_name))
FROM approval.request AS r
JOIN approval.request_stage AS s USING (request_id)
JOIN approval.request_quorum AS q USING (request_id, stage_no)
JOIN approval.request_type AS t USING (type_name, type_version)
CROSS JOIN LATERAL (
    SELECT count(*) AS members
    FROM approval.membership AS m JOIN approval.principal AS p USING (principal_id)
    WHERE m.group_name = q.group_name AND p.disabled_at IS NULL
        AND (t.self_approval OR (p.principal_id <> r.requester_id AND p.principal_id IS DISTINCT FROM r.on_behalf_of))) AS able
WHERE r.request_id = p_request_id AND r.state = 'pending' AND s.stage_no = (
    SELECT min(stage_no) FROM approval.request_stage WHERE request_id = p_request_id AND satisfied_at IS NULL)
GROUP BY s.stage_no, s.name
$$;
COMMENT ON FUNCTION approval.waiting_for(bigint) IS
    'Internal: what a pending request waits for: another one that it contradicts; the stage that it is at and who can pass it; says blocked where a group has too few members. NULL: not pending.';
