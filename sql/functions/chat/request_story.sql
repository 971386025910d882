CREATE OR REPLACE FUNCTION approval.request_story(p_request_id bigint) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object(
    'kind', 'request', 'request', r.request_id, 'type', r.type_name, 'title', t.title, 'state', r.state, 'requester', asker.name,
    'on_behalf_of', (SELECT p.name FROM approval.principal AS p WHERE p.principal_id = r.on_behalf_of), 'reason', r.reason,
    'ticket', (SELECT jsonb_build_object('key', k.key, 'url', k.url)
               FROM approval.ticket_request AS q JOIN approval.ticket AS k USING (provider, ticket_id)
               WHERE q.request_id = r.request_id),
    'submitted_at', r.submitted_at, 'after', r.not_before, 'expires_at', r.expires_at, 'approved_at', r.approved_at,
    'closed_at', r.closed_at, 'break_glass_at', r.break_glass_at, 'reverts', r.reverts, 'renews', r.renews,
    'digest', v.digest, 'item_count', v.item_count, 'minion_count', tally.minions, 'outcomes', tally.outcomes,
    'items', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('minion', i.minion_id, 'kind', i.kind, 'name', i.name, 'content', i.content)
                                  ORDER BY i.minion_id COLLATE "C", i.kind, i.name), '[]')
        FROM (SELECT * FROM approval.current_item AS every WHERE every.request_id = r.request_id
              ORDER BY every.item_id LIMIT 20) AS i),
    'failures', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('minion', i.minion_id, 'kind', i.kind, 'name', i.name, 'outcome', i.outcome,
                                                     'text', i.outcome_text, 'jid', i.outcome_jid)
                                  ORDER BY i.minion_id COLLATE "C", i.kind, i.name), '[]')
        FROM (SELECT * FROM approval.current_item AS every
              WHERE every.request_id = r.request_id AND every.outcome NOT IN ('waiting', 'converged')
              ORDER BY every.item_id LIMIT 20) AS i),
    'chain', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'stage', s.stage_no, 'name', s.name, 'min_assurance', s.min_assurance, 'started_at', s.started_at,
            'satisfied_at', s.satisfied_at, 'until', least(r.expires_at, s.started_at + s.timeout), 'any_of', (
                SELECT jsonb_agg(jsonb_build_object('group', q.group_name, 'quorum', q.quorum) ORDER BY q.group_name)
                FROM approval.request_quorum AS q WHERE q.request_id = s.request_id AND q.stage_no = s.stage_no),
            'decisions', (
                SELECT coalesce(jsonb_agg(jsonb_build_object(
                    'decision', d.decision, 'by', who.name, 'identity', d.provider || ':' || d.subject,
                    'assurance', d.assurance, 'at', d.decided_at, 'comment', d.comment) ORDER BY d.decided_at), '[]')
                FROM approval.decision AS d JOIN approval.principal AS who USING (principal_id)
                WHERE d.request_id = s.request_id AND d.item_set_version >= r.reviewed_version AND d.stage_no = s.stage_no))
            ORDER BY s.stage_no), '[]')
        FROM approval.request_stage AS s WHERE s.request_id = r.request_id),
    'plan', approval.plan_summary(r.request_id), 'rollout', approval.rollout_of(r.request_id),
    'waiting_for', approval.waiting_for(r.request_id))
FROM approval.request AS r
JOIN approval.request_type AS t USING (type_name, type_version)
JOIN approval.principal AS asker ON asker.principal_id = r.requester_id
JOIN approval.item_set AS v ON v.request_id = r.request_id AND v.item_set_version = r.item_set_version
CROSS JOIN LATERAL (
    SELECT coalesce(sum(o.minions) FILTER (WHERE o.outcome IS NULL), 0) AS minions,
        jsonb_object_agg(o.outcome, o.items) FILTER (WHERE o.outcome IS NOT NULL) AS outcomes
    FROM (SELECT i.outcome, count(*) AS items, count(DISTINCT i.minion_id) AS minions FROM approval.current_item AS i
          WHERE i.request_id = r.request_id GROUP BY GROUPING SETS ((i.outcome), ())) AS o) AS tally
WHERE r.request_id = p_request_id
$$;
COMMENT ON FUNCTION approval.request_story IS
    'Internal: see chat_story; of a request: what is asked for (the first 20 items), the chain with its decisions, what holds it '
    'back, how many items came to which outcome, and up to 20 that failed.';
