CREATE OR REPLACE FUNCTION approval.out_of_line(p_limit integer) RETURNS TABLE (
    minion_id text, standing text, kind text, name text, expected text, observed text, since timestamptz,
    last_seen timestamptz, why text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
WITH held AS (
    SELECT d.minion_id, d.item_ids FROM approval.document_in_force(now()) AS d
)
SELECT t.minion_id, 'drifting', t.kind, t.name, t.expected, t.observed, t.since, t.last_seen, t.finding
FROM approval.drift AS t JOIN held AS h ON h.minion_id = t.minion_id AND t.item_id = ANY (h.item_ids)
WHERE t.cleared_at IS NULL
UNION ALL
SELECT i.minion_id, 'failed', i.kind, i.name, i.content, i.observed, i.effective_at, NULL, i.outcome_text
FROM approval.item AS i JOIN held AS h ON h.minion_id = i.minion_id AND i.item_id = ANY (h.item_ids)
WHERE i.state = 'approved' AND i.outcome IN ('failed', 'drift')
UNION ALL
SELECT s.minion_id, 'silent', NULL, NULL, NULL, NULL, s.since, s.asked_at, format(
    'The minion has not returned%s from %s (job %s)%s.',
    CASE s.fun WHEN 'approval.observe' THEN ' evidence' ELSE '' END, s.fun, s.jid,
    CASE WHEN s.missed > 1 THEN format(', nor from %s before', s.missed - 1) ELSE '' END)
FROM approval.silence AS s JOIN held AS h ON h.minion_id = s.minion_id
ORDER BY 7, 1, 2, 3, 4
LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.out_of_line IS
    'Deviations from what is approved, the longest first: resources that drifted, resources that could not be applied (since: when '
    'they should have been), minions that do not return. Definer: tables are private.';
