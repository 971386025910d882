CREATE OR REPLACE FUNCTION approval.waiting_for(p_request_id bigint) RETURNS text
    -- Not in SQL, which would plan its statements again for each row of a list.
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- The first ones tell enough in a list; more of them are in approval.show_request.
    looked_at constant integer := 100;
    asked approval.request;
    stage record;
BEGIN
    SELECT * INTO asked FROM approval.request AS r WHERE r.request_id = p_request_id;
    IF asked.state = 'pending' THEN
        SELECT s.stage_no, s.name, string_agg(
            CASE WHEN able.members < q.quorum
                THEN format('blocked, %s has %s of %s approvers it needs', q.group_name, able.members, q.quorum)
                ELSE format('%s of %s', q.quorum, q.group_name) END, ', or ' ORDER BY q.group_name) AS voters
        INTO stage
        FROM approval.current_stage(p_request_id) AS s
        JOIN approval.request_quorum AS q ON q.request_id = s.request_id AND q.stage_no = s.stage_no
        JOIN approval.request_type AS t ON t.type_name = asked.type_name AND t.type_version = asked.type_version
        CROSS JOIN LATERAL (
            SELECT count(*) AS members
            FROM approval.eligible_voters(q.group_name, t.self_approval, asked.requester_id, asked.on_behalf_of,
                                          p_request_id)) AS able
        GROUP BY s.stage_no, s.name;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        RETURN coalesce(approval.unresolved_overlap(p_request_id) || '; ',
                        'it has ' || approval.missing_plan(p_request_id, clock_timestamp()) || '; ', '')
            || format('stage %s (%s): %s', stage.stage_no, stage.name, stage.voters);
    END IF;
    IF EXISTS (SELECT FROM approval.request_state AS s WHERE s.state = asked.state AND s.was_approved AND NOT s.is_closed) THEN
        RETURN (
            SELECT coalesce(approval.halted_text(p_request_id) || '; ', '') || string_agg(
                CASE WHEN w.number = 1 AND w.causes = 1 THEN w.text
                    ELSE approval.counted(w.minions, 'minion') || ' ' || w.text END, ', ' ORDER BY w.number)
            FROM (SELECT found.*, row_number() OVER () AS number, count(*) OVER () AS causes
                  FROM approval.waits(p_request_id, looked_at, clock_timestamp()) AS found) AS w
            HAVING count(*) > 0);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION approval.waiting_for IS
    'Internal: the cause for which an open request waits, for people. Pending: another one that it contradicts, or a plan that it '
    'lacks; the stage that it is at and who can pass it; says blocked where a group has too few members. Approved: see '
    'approval.waits. NULL: nothing.';
