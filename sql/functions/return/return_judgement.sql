CREATE OR REPLACE FUNCTION approval.return_judgement(
    p_minion_id text, p_revision bigint, p_digest text, p_run_id text, p_verdict text, p_findings text, p_authenticated boolean,
    p_is_trusted boolean, p_published_at timestamptz, p_is_target boolean, p_now timestamptz)
    RETURNS TABLE (is_proven boolean, flags text[], is_moving boolean, is_noting boolean, suspicion text)
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT s.is_proven, s.flags,
    -- Most returns are of minions that converged long ago: one look at their items tells.
    s.is_proven AND EXISTS (
        SELECT FROM approval.item AS i
        WHERE i.minion_id = p_minion_id AND (i.outcome <> 'converged' OR NOT i.before_known) AND i.item_id = ANY (s.item_ids)),
    -- And few of them deviate, did so before, or were missed.
    s.is_proven AND (
        p_verdict <> 'converged'
        OR EXISTS (SELECT FROM approval.drift AS d WHERE d.minion_id = p_minion_id AND d.cleared_at IS NULL)
        OR EXISTS (SELECT FROM approval.silence AS q WHERE q.minion_id = p_minion_id)),
    CASE WHEN 'replayed' = ANY (s.flags) THEN 'replayed'
         WHEN 'claim' = ANY (s.flags) THEN 'claim'
         WHEN 'untargeted' = ANY (s.flags) THEN 'untargeted'
         WHEN NOT p_authenticated AND p_findings LIKE ANY (ARRAY['%"forged"%', '%"refused-running"%']) THEN (
             SELECT CASE f.reason WHEN 'forged' THEN 'forged' ELSE 'running' END
             FROM approval.findings_of(p_findings::json) AS f
             WHERE f.reason IN ('forged', 'refused-running') LIMIT 1) END
FROM (
    SELECT held.item_ids,
        p_authenticated AND p_is_trusted AND held.item_ids IS NOT NULL AND run.is_known IS NULL AND gone.is_removed IS NULL
            AS is_proven,
        array_remove(ARRAY[CASE WHEN gone.is_removed THEN 'removed' END,
                           CASE WHEN p_authenticated AND NOT p_is_trusted THEN 'claim' END,
                           CASE WHEN run.is_known THEN 'replayed' END,
                           CASE WHEN p_published_at IS NULL THEN 'unknown-job' WHEN p_is_target IS NOT TRUE THEN 'untargeted' END,
                           CASE WHEN latest.revision > p_revision THEN 'stale' END], NULL) AS flags
    FROM (SELECT) AS one
    LEFT JOIN LATERAL (
        SELECT true AS is_removed FROM approval.minion AS m
        WHERE m.minion_id = p_minion_id AND m.removed_at IS NOT NULL LIMIT 1) AS gone ON true
    LEFT JOIN LATERAL (
        SELECT h.item_ids FROM approval.document_history AS h
        WHERE h.minion_id = p_minion_id AND h.revision = p_revision AND h.digest = p_digest LIMIT 1) AS held ON true
    LEFT JOIN LATERAL (
        SELECT r.revision FROM approval.revision_at(p_minion_id, coalesce(p_published_at, p_now)) AS r
        WHERE p_revision IS NOT NULL) AS latest ON true
    LEFT JOIN LATERAL (
        SELECT true AS is_known FROM approval.seen_run AS n
        WHERE p_authenticated AND p_is_trusted AND n.minion_id = p_minion_id AND n.run_id = p_run_id LIMIT 1) AS run ON true
) AS s
$$;
COMMENT ON FUNCTION approval.return_judgement IS
    'Internal: what a return that is new may do. is_proven: it is authentic, and proves what it says of the items. flags: see '
    'approval.job_return. is_moving, is_noting: apply_returns or note_drift has something to do for it. suspicion: see '
    'alarms_of_returns; NULL: none. p_digest: of the document that it was validated against. p_is_trusted: whether the caller may '
    'prove anything. p_published_at, p_is_target: when its job was published (NULL: nobody knows such a job), and whether to '
    'this minion.';
