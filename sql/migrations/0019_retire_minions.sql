-- Minions that are gone, and messages that each master looks at for the minions whose keys it holds.
ALTER TABLE approval.minion ADD COLUMN removed_at timestamptz;
COMMENT ON COLUMN approval.minion.removed_at IS
    'Since when requests may not name it and what it returns proves nothing; NULL: it is known. What happened before stays.';
COMMENT ON COLUMN approval.minion.registered_at IS 'Since when it is known; of one that was removed and came back, since then.';
COMMENT ON COLUMN approval.job_return.flags IS 'What is odd: claim, removed, replayed, stale, unknown-job, untargeted.';

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

-- It is told now which request's message is wanted.
DROP FUNCTION IF EXISTS approval.claim_outbox(text, interval);
