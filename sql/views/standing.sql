-- Views that roles read call no function of ours: it would be called with their rights, which are none.
CREATE OR REPLACE VIEW approval.standing AS
WITH held AS (
    SELECT d.minion_id, d.item_ids FROM approval.document AS d
    WHERE d.valid_from <= now() AND d.valid_until > now() AND cardinality(d.item_ids) > 0
), drifting AS (
    SELECT DISTINCT t.minion_id
    FROM approval.drift AS t JOIN held AS h ON h.minion_id = t.minion_id AND t.item_id = ANY (h.item_ids)
    WHERE t.cleared_at IS NULL
), unproven AS (
    SELECT i.minion_id, bool_or(i.outcome <> 'waiting') AS failed
    FROM approval.item AS i JOIN held AS h ON h.minion_id = i.minion_id AND i.item_id = ANY (h.item_ids)
    WHERE i.state = 'approved' AND i.outcome <> 'converged'
    GROUP BY i.minion_id
)
SELECT m.minion_id, CASE
    WHEN h.minion_id IS NULL THEN 'unknown'
    WHEN t.minion_id IS NOT NULL THEN 'drifting'
    WHEN u.failed THEN 'failed'
    WHEN s.minion_id IS NOT NULL THEN 'silent'
    WHEN u.minion_id IS NOT NULL THEN 'waiting'
    ELSE 'converged' END AS standing
FROM approval.minion AS m
LEFT JOIN held AS h USING (minion_id)
LEFT JOIN drifting AS t USING (minion_id)
LEFT JOIN unproven AS u USING (minion_id)
LEFT JOIN approval.silence AS s USING (minion_id)
WHERE m.removed_at IS NULL;
COMMENT ON VIEW approval.standing IS
    'How each minion stands to what is approved for it now, the worst first: drifting (was applied and is otherwise now), failed '
    '(could not be applied), silent (did not return), waiting (not proven yet), converged; unknown: nothing is approved for it.';
