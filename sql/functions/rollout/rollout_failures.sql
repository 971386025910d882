CREATE OR REPLACE FUNCTION approval.rollout_failures(p_request_id bigint)
    RETURNS TABLE (minion_id text, wave_no integer, verdict text, reason text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT w.minion_id, w.wave_no, w.verdict, coalesce((
    SELECT i.outcome_text FROM approval.item AS i
    WHERE i.request_id = p_request_id AND i.minion_id = w.minion_id AND i.state = 'approved' AND i.outcome <> 'converged'
    ORDER BY i.outcome_text IS NULL, i.item_id LIMIT 1), CASE w.verdict WHEN 'silent' THEN 'the minion did not return in time' END)
FROM approval.wave_minion AS w
WHERE w.request_id = p_request_id AND w.opened_at IS NOT NULL AND w.verdict IN ('failed', 'silent')
UNION ALL
-- A fault that shows only while a wave soaks.
SELECT w.minion_id, w.wave_no, 'drifted', format('%s %s is no longer as it was proven', min(i.kind), min(i.name))
FROM (SELECT * FROM approval.drift AS every WHERE every.cleared_at IS NULL OFFSET 0) AS d
CROSS JOIN LATERAL (SELECT * FROM approval.item AS one WHERE one.minion_id = d.minion_id AND one.item_id = d.item_id OFFSET 0) AS i
JOIN approval.wave_minion AS w ON w.request_id = i.request_id AND w.minion_id = i.minion_id
WHERE i.request_id = p_request_id AND i.state = 'approved' AND w.verdict = 'converged'
GROUP BY w.minion_id, w.wave_no
$$;
COMMENT ON FUNCTION approval.rollout_failures IS
    'Internal: the minions that count as failures of a rollout, each with the reason: those that evidence speaks against, those '
    'that did not return in time, and those that drifted from it since.';
