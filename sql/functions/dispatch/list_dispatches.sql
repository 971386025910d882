CREATE OR REPLACE FUNCTION approval.list_dispatches(p_limit integer)
    RETURNS TABLE (minion_id text, item_id bigint, state text, proof text, function text, kwarg jsonb, returns jsonb,
        jid text, payload bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT d.minion_id, d.item_id, d.state, d.proof, i.name, approval.item_arguments(i)::jsonb,
    t.definition -> 'returns', r.jid, r.payload
FROM approval.dispatch AS d
JOIN approval.item AS i USING (minion_id, item_id)
JOIN approval.request AS q ON q.request_id = d.request_id
JOIN approval.request_type AS t USING (type_name, type_version)
CROSS JOIN LATERAL (
    SELECT e.jid, e.payload FROM approval.job_return AS e
    WHERE e.jid = CASE WHEN d.state = 'observing' THEN d.observe_jid ELSE d.jid END AND e.minion_id = d.minion_id
        AND e.authenticated
    ORDER BY e.attempt LIMIT 1) AS r
WHERE d.proof <> 'state' AND d.returned_at IS NULL
    AND (d.ended_at IS NULL AND d.state <> 'observed' OR d.state = 'silent' AND d.ended_at > now() - interval '1 day')
ORDER BY d.state_at
LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.list_dispatches IS
    'Authentic returns of jobs that observe before, or carry out, an action, and that nobody judged yet. Definer: tables are '
    'private.';
