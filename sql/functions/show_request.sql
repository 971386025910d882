CREATE OR REPLACE FUNCTION approval.show_request(p_request_id bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown_items constant integer := 1000;
    result jsonb;
BEGIN
    SELECT jsonb_build_object(
        'request', r.request_id, 'type', r.type_name, 'type_version', r.type_version, 'state', r.state,
        'requester', p.name, 'assurance', r.assurance, 'reason', r.reason, 'source', r.source, 'external_ref', r.external_ref,
        'submitted_at', r.submitted_at, 'after', r.not_before, 'expires_at', r.expires_at,
        'approved_at', r.approved_at, 'closed_at', r.closed_at,
        'on_behalf_of', (SELECT name FROM approval.principal WHERE principal_id = r.on_behalf_of),
        'reverts', r.reverts, 'renews', r.renews, 'break_glass_at', r.break_glass_at, 'item_set_version', r.item_set_version,
        'review', (SELECT jsonb_build_object('group', t.review_group, 'at', r.review_at,
                       'by', (SELECT name FROM approval.principal WHERE principal_id = r.review_by))
                   FROM approval.request_type AS t
                   WHERE t.type_name = r.type_name AND t.type_version = r.type_version AND t.review_group IS NOT NULL),
        'overlaps', (SELECT coalesce(jsonb_agg(jsonb_build_object('other', o.other_id, 'resources', o.resources, 'example', o.example,
                                                                 'resolution', o.resolution) ORDER BY o.other_id), '[]')
                     FROM approval.request_overlap AS o WHERE o.request_id = r.request_id),
        'left_out', (SELECT jsonb_agg(jsonb_build_object('minion', l.minion_id, 'kind', l.kind, 'name', l.name, 'reason', l.reason)
                                      ORDER BY l.minion_id COLLATE "C", l.kind, l.name)
                     FROM (SELECT * FROM approval.request_left_out AS every WHERE every.request_id = r.request_id LIMIT shown_items) AS l),
        'plan_within', (SELECT t.plan_within FROM approval.request_type AS t
                        WHERE t.type_name = r.type_name AND t.type_version = r.type_version),
        'plan', approval.plan_summary(r.request_id),
        'digest', s.digest, 'item_count', s.item_count, 'waiting_for', approval.waiting_for(r.request_id),
        'outcomes', (
            SELECT jsonb_object_agg(tally.outcome, tally.count)
            FROM (SELECT i.outcome, count(*) AS count FROM approval.item AS i
                  WHERE i.request_id = r.request_id AND i.item_set_version = r.item_set_version GROUP BY i.outcome) AS tally),
        'chain', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'stage', stage.stage_no, 'name', stage.name, 'min_assurance', stage.min_assurance,
                'started_at', stage.started_at, 'timeout', stage.timeout, 'escalate_to', stage.escalate_to, 'satisfied_at', stage.satisfied_at,
                'any_of', (SELECT jsonb_agg(jsonb_build_object('group', q.group_name, 'quorum', q.quorum) ORDER BY q.group_name)
                           FROM approval.request_quorum AS q
                           WHERE q.request_id = stage.request_id AND q.stage_no = stage.stage_no),
                'decisions', (
                    SELECT coalesce(jsonb_agg(jsonb_build_object(
                        'decision', d.decision, 'by', who.name, 'identity', d.provider || ':' || d.subject, 'assurance', d.assurance,
                        'counts_for', (SELECT name FROM approval.principal WHERE principal_id = d.counts_for),
                        'at', d.decided_at, 'comment', d.comment) ORDER BY d.decided_at), '[]')
                    FROM approval.decision AS d JOIN approval.principal AS who USING (principal_id)
                    WHERE d.request_id = stage.request_id AND d.item_set_version >= r.reviewed_version
                        AND d.stage_no = stage.stage_no)) ORDER BY stage.stage_no), '[]')
            FROM approval.request_stage AS stage WHERE stage.request_id = r.request_id),
        'items', (
            SELECT jsonb_agg(jsonb_build_object(
                'minion', i.minion_id, 'kind', i.kind, 'name', i.name, 'type', i.type, 'value', i.content, 'pinned', i.pinned,
                'state', i.state, 'effective_at', i.effective_at,
                'expires_at', i.expires_at, 'outcome', i.outcome, 'applied_at', i.applied_at,
                'observed', i.observed, 'text', i.outcome_text, 'jid', i.outcome_jid,
                'before', CASE WHEN i.before_known THEN jsonb_build_object('value', i.before_content) END)
                ORDER BY i.minion_id COLLATE "C", i.kind, i.name)
            FROM (SELECT * FROM approval.item AS every
                  WHERE every.request_id = r.request_id AND every.item_set_version = r.item_set_version
                  ORDER BY every.minion_id COLLATE "C", every.kind, every.name LIMIT shown_items) AS i),
        'history', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('from', h.from_state, 'to', h.to_state, 'at', h.at) ORDER BY h.seq), '[]')
            FROM approval.request_history AS h WHERE h.request_id = r.request_id))
    INTO result
    FROM approval.request AS r
    JOIN approval.principal AS p ON p.principal_id = r.requester_id
    JOIN approval.item_set AS s ON s.request_id = r.request_id AND s.item_set_version = r.item_set_version
    WHERE r.request_id = p_request_id;
    IF result IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', coalesce(p_request_id::text, 'NULL'));
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION approval.show_request(bigint) IS
    'Everything about a request, of its items the first thousand. Raises AP014. Definer: tables are private.';
