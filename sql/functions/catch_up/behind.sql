CREATE OR REPLACE FUNCTION approval.behind(p_minions text[], p_at timestamptz)
    RETURNS TABLE (minion_id text, due_at timestamptz, revision bigint, reinstall_no bigint)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
WITH given AS MATERIALIZED (
    SELECT m.minion_id, r.reinstall_no, shown.revision AS shown
    FROM approval.minion AS m
    LEFT JOIN approval.reinstall AS r ON r.minion_id = m.minion_id AND r.state = 'accepted'
    -- Reading applies nothing, so only a state run shows which revision was applied.
    CROSS JOIN LATERAL (
        SELECT max(e.revision) AS revision FROM approval.job_return AS e
        WHERE e.minion_id = m.minion_id AND e.fun IN ('state.apply', 'state.highstate', 'state.sls') AND e.authenticated) AS shown
    WHERE m.minion_id = ANY (p_minions) AND m.removed_at IS NULL
)
SELECT DISTINCT ON (d.minion_id) d.minion_id, greatest(d.valid_from, p_at), d.revision, g.reinstall_no
FROM given AS g
JOIN approval.document AS d ON d.minion_id = g.minion_id AND d.valid_until > p_at
CROSS JOIN LATERAL unnest(d.item_ids) AS held (item_id)
JOIN approval.item AS i ON i.minion_id = d.minion_id AND i.item_id = held.item_id
JOIN approval.request AS r USING (request_id)
JOIN approval.request_type AS t USING (type_name, type_version)
WHERE (t.definition -> 'dispatch')::boolean
    AND (i.outcome <> 'converged' OR g.reinstall_no IS NOT NULL
         -- Proven once, replaced, and in force again: the last run was of a document without it.
         OR (g.shown < d.revision AND NOT EXISTS (
             SELECT FROM approval.document_history AS h
             WHERE h.minion_id = d.minion_id AND h.revision = g.shown AND i.item_id = ANY (h.item_ids))))
    -- A change that is yet to take effect is sent then like any other, unless it was sent before, to a minion that was away.
    AND (d.valid_from <= p_at OR EXISTS (
        SELECT FROM approval.dispatch AS s
        WHERE s.minion_id = d.minion_id AND s.request_id = i.request_id AND s.jid IS NOT NULL))
ORDER BY d.minion_id, d.valid_from
$$;
COMMENT ON FUNCTION approval.behind IS
    'Internal: those of these minions that are behind what is approved for them, as far as its types are dispatched: something in '
    'force is not proven, or was not in force at their last state run, or they are reinstalled (reinstall_no) and have not '
    'converged since. due_at: p_at, or when a document comes into force in which something is that was sent in vain. revision: of '
    'that document.';
