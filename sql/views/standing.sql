-- Views that roles read call no function of ours: it would be called with their rights, which are none.
CREATE OR REPLACE VIEW approval.standing AS
SELECT m.minion_id, CASE
    WHEN h.minion_id IS NULL THEN 'unknown'
    WHEN t.minion_id IS NOT NULL THEN 'drifting'
    WHEN u.failed THEN 'failed'
    WHEN s.minion_id IS NOT NULL THEN 'silent'
    WHEN u.minion_id IS NOT NULL THEN 'waiting'
    ELSE 'converged' END AS standing
FROM approval.minion AS m
LEFT JOIN approval.document AS h ON h.minion_id = m.minion_id AND h.valid_from <= now() AND h.valid_until > now()
    AND cardinality(h.item_ids) > 0
-- Each by the minion's keys, so that whoever asks of a few minions has no others looked at.
LEFT JOIN LATERAL (
    SELECT d.minion_id FROM approval.drift AS d
    WHERE d.minion_id = h.minion_id AND d.cleared_at IS NULL AND d.item_id = ANY (h.item_ids) LIMIT 1) AS t ON true
LEFT JOIN LATERAL (
    SELECT i.minion_id, bool_or(i.outcome <> 'waiting') AS failed FROM approval.item AS i
    WHERE i.minion_id = h.minion_id AND i.state = 'approved' AND i.outcome <> 'converged' AND i.item_id = ANY (h.item_ids)
    GROUP BY i.minion_id) AS u ON true
LEFT JOIN approval.silence AS s ON s.minion_id = m.minion_id
WHERE m.removed_at IS NULL;
COMMENT ON VIEW approval.standing IS
    'How each minion stands to what is approved for it now, the worst first: drifting (was applied and is otherwise now), failed '
    '(could not be applied), silent (did not return), waiting (not proven yet), converged; unknown: nothing is approved for it.';
