CREATE OR REPLACE FUNCTION approval.ticket_news(p_site text, p_request_id bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    most constant integer := 50;
    result jsonb;
BEGIN
    PERFORM approval.check_site(p_site);
    WITH every AS MATERIALIZED (
        SELECT i.minion_id COLLATE "C" AS minion_id, i.kind COLLATE "C" AS kind, i.name COLLATE "C" AS name, i.type,
            approval.covered_content(i.kind, i.name, i.content) AS content, i.outcome,
            CASE WHEN i.outcome_text IS NOT NULL AND approval.is_sensitive(i.kind, i.name) THEN '•••' ELSE i.outcome_text END
                AS outcome_text
        FROM approval.current_item AS i WHERE i.request_id = p_request_id
    ), minion AS MATERIALIZED (
        SELECT e.minion_id, CASE WHEN bool_or(e.outcome IN ('failed', 'drift')) THEN 'failed'
                                 WHEN bool_and(e.outcome = 'converged') THEN 'converged' ELSE 'waiting' END AS verdict
        FROM every AS e GROUP BY e.minion_id
    ), wanted AS MATERIALIZED (
        SELECT DISTINCT e.kind, e.name, e.type, e.content FROM every AS e
    )
    SELECT jsonb_build_object(
        'request', r.request_id, 'type', r.type_name, 'title', k.title, 'state', r.state, 'reason', r.reason,
        'requester', (SELECT p.name FROM approval.principal AS p WHERE p.principal_id = r.requester_id),
        'on_behalf_of', (SELECT p.name FROM approval.principal AS p WHERE p.principal_id = r.on_behalf_of),
        'reverts', r.reverts, 'after', r.not_before, 'expires_at', r.expires_at, 'approved_at', r.approved_at,
        'closed_at', r.closed_at,
        'minions', (SELECT coalesce(jsonb_agg(m.minion_id ORDER BY m.minion_id), '[]')
                    FROM (SELECT * FROM minion ORDER BY minion_id LIMIT most) AS m),
        'minion_count', (SELECT count(*) FROM minion),
        'items', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', w.kind, 'name', w.name, 'type', w.type, 'value', w.content)
                                            ORDER BY w.kind, w.name, w.content), '[]')
                  FROM (SELECT * FROM wanted ORDER BY kind, name, content LIMIT most) AS w),
        'item_count', (SELECT count(*) FROM wanted),
        'chain', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'stage', s.stage_no, 'name', s.name, 'satisfied_at', s.satisfied_at, 'any_of', (
                    SELECT jsonb_agg(jsonb_build_object('group', q.group_name, 'quorum', q.quorum, 'people', (
                        SELECT coalesce(jsonb_agg(v.name ORDER BY v.name), '[]')
                        FROM (SELECT e.name FROM approval.eligible_voters(
                                  q.group_name, k.self_approval, r.requester_id, r.on_behalf_of, r.request_id) AS e
                              ORDER BY e.name LIMIT most) AS v)) ORDER BY q.group_name)
                    FROM approval.request_quorum AS q WHERE q.request_id = r.request_id AND q.stage_no = s.stage_no),
                'decisions', (
                    SELECT coalesce(jsonb_agg(jsonb_build_object(
                        'decision', d.decision, 'by', who.name, 'at', d.decided_at, 'comment', d.comment,
                        'identity', d.provider || ':' || d.subject, 'assurance', d.assurance) ORDER BY d.decided_at), '[]')
                    FROM approval.decision AS d JOIN approval.principal AS who USING (principal_id)
                    WHERE d.request_id = r.request_id AND d.item_set_version >= r.reviewed_version
                        AND d.stage_no = s.stage_no)) ORDER BY s.stage_no), '[]')
            FROM approval.request_stage AS s WHERE s.request_id = r.request_id),
        'waits', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('minions', w.minions, 'by', w.by,
                                                         'until', CASE WHEN isfinite(w.until) THEN w.until END)), '[]')
            FROM approval.waits(r.request_id, 1000, clock_timestamp()) AS w
            WHERE r.state IN ('approved', 'partial', 'failed') AND w.by IS NOT NULL),
        'rollout', (
            SELECT jsonb_build_object(
                'wave', (SELECT coalesce(max(w.wave_no), 0) FROM approval.wave AS w
                         WHERE w.request_id = r.request_id AND w.opened_at IS NOT NULL),
                'waves', (SELECT count(*) FROM approval.wave AS w WHERE w.request_id = r.request_id),
                'halted', CASE WHEN o.state = 'halted' THEN o.halted_because END)
            FROM approval.rollout AS o WHERE o.request_id = r.request_id),
        'verdicts', (SELECT jsonb_build_object('converged', count(*) FILTER (WHERE m.verdict = 'converged'),
                                               'failed', count(*) FILTER (WHERE m.verdict = 'failed'),
                                               'waiting', count(*) FILTER (WHERE m.verdict = 'waiting')) FROM minion AS m),
        'failed', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'minion', f.minion_id, 'kind', f.kind, 'name', f.name, 'type', f.type, 'value', f.content,
                       'reason', f.outcome_text) ORDER BY f.minion_id, f.kind, f.name), '[]')
                   FROM (SELECT * FROM every AS e WHERE e.outcome IN ('failed', 'drift')
                         ORDER BY e.minion_id, e.kind, e.name LIMIT most) AS f),
        'failed_count', (SELECT count(*) FROM every AS e WHERE e.outcome IN ('failed', 'drift')),
        'ticket', jsonb_build_object(
            'id', t.ticket_id, 'key', ticket.key, 'url', ticket.url, 'generation', t.generation, 'digest', t.digest,
            'bound_at', t.bound_at,
            'held', (SELECT h.reason FROM approval.ticket_hold AS h WHERE h.request_id = r.request_id),
            'is_newest', NOT EXISTS (SELECT FROM approval.ticket_request AS newer
                                     WHERE newer.provider = t.provider AND newer.ticket_id = t.ticket_id
                                         AND (newer.generation, newer.revert_no) > (t.generation, t.revert_no))))
    INTO result
    FROM approval.ticket_request AS t
    JOIN approval.ticket USING (provider, ticket_id)
    JOIN approval.request AS r USING (request_id)
    JOIN approval.request_type AS k USING (type_name, type_version)
    WHERE t.request_id = p_request_id AND t.provider = p_site;
    -- Who reads a ticket nobody knows.
    IF approval.readable_groups(0, 'values') IS NOT NULL THEN
        result := approval.hidden(result, '{value}') || jsonb_build_object(
            'failed', approval.hidden(result -> 'failed', '{value,reason}'));
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION approval.ticket_news IS
    'All that a ticket is told of a request: what is asked for, its chain with who can pass each stage, what it waits for, its '
    'waves, how many of its minions have failed, and the ticket as it is known. Of each list the first fifty, with a '
    'count. Values are ••• where not everybody may read them, or they are sensitive. NULL: the request is not of '
    'a ticket of this site. Raises '
    'AP002. Definer: tables are private.';
