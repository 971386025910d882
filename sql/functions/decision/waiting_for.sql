CREATE OR REPLACE FUNCTION approval.waiting_for(p_request_id bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(approval.unresolved_overlap(p_request_id) || '; ',
                'it has ' || approval.missing_plan(p_request_id, clock_timestamp()) || '; ', '')
    || format('stage %s (%s): %s', s.stage_no, s.name, string_agg(
    CASE WHEN able.members < q.quorum
        THEN format('blocked, %s has %s of %s approvers it needs', q.group_name, able.members, q.quorum)
        ELSE format('%s of %s', q.quorum, q.group_name) END, ', or ' ORDER BY q.group_name))
FROM approval.request AS r
CROSS JOIN LATERAL approval.current_stage(r.request_id) AS s
JOIN approval.request_quorum AS q ON q.request_id = s.request_id AND q.stage_no = s.stage_no
JOIN approval.request_type AS t USING (type_name, type_version)
CROSS JOIN LATERAL (
    SELECT count(*) AS members
    FROM approval.eligible_voters(q.group_name, t.self_approval, r.requester_id, r.on_behalf_of, r.request_id)) AS able
WHERE r.request_id = p_request_id AND r.state = 'pending'
GROUP BY s.stage_no, s.name
UNION ALL
-- The first thousand tell enough in a list; all of them are in approval.show_request.
SELECT coalesce(approval.halted_text(p_request_id) || '; ', '') || string_agg(CASE WHEN w.number = 1 AND w.causes = 1 THEN w.text
                       ELSE approval.counted(w.minions, 'minion') || ' ' || w.text END, ', ' ORDER BY w.number)
FROM approval.request AS r
JOIN approval.request_state AS s ON s.state = r.state AND s.was_approved AND NOT s.is_closed
CROSS JOIN LATERAL (
    SELECT found.*, row_number() OVER () AS number, count(*) OVER () AS causes
    FROM approval.waits(p_request_id, 1000, clock_timestamp()) AS found) AS w
WHERE r.request_id = p_request_id
HAVING count(*) > 0
$$;
COMMENT ON FUNCTION approval.waiting_for IS
    'Internal: the cause for which an open request waits, for people. Pending: another one that it contradicts, or a plan that it '
    'lacks; the stage that it is at and who can pass it; says blocked where a group has too few members. Approved: see '
    'approval.waits. NULL: nothing.';
