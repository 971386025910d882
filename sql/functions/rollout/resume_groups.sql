CREATE OR REPLACE FUNCTION approval.resume_groups(p_request_id bigint) RETURNS TABLE (group_name text, min_assurance text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT o.plan #>> '{resume,group}', coalesce(o.plan #>> '{resume,min_assurance}', 'asserted')
FROM approval.rollout AS o WHERE o.request_id = p_request_id AND o.plan ? 'resume'
UNION ALL
SELECT q.group_name, s.min_assurance
FROM approval.rollout AS o
JOIN LATERAL (SELECT * FROM approval.request_stage AS every WHERE every.request_id = o.request_id
              ORDER BY every.stage_no DESC LIMIT 1) AS s ON true
JOIN approval.request_quorum AS q ON q.request_id = s.request_id AND q.stage_no = s.stage_no
WHERE o.request_id = p_request_id AND NOT o.plan ? 'resume'
$$;
COMMENT ON FUNCTION approval.resume_groups IS
    'Internal: the groups of which one member decides on a halted rollout, and how sure their identity has to be: as its type '
    'says, else the approvers of the request''s last stage.';
