CREATE OR REPLACE FUNCTION approval.show_request(
    p_request_id bigint, p_outcomes text[] DEFAULT NULL, p_after text[] DEFAULT NULL, p_limit integer DEFAULT 1000,
    p_reader bigint DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown_groups constant integer := 100;
    shown_jobs constant integer := 20;
    shown_deviations constant integer := 20;
    looked_at constant integer := 500;
    -- Not the start of the transaction, in which it may have been approved.
    moment timestamptz := clock_timestamp();
    reader constant bigint := approval.reading_as(p_reader);
    reads_values constant boolean := approval.may_read(reader, 'values', p_request_id);
    is_sensitive constant boolean := approval.names_sensitive(p_request_id);
    is_covered constant boolean := NOT approval.sees_sensitive(p_reader);
    result jsonb;
BEGIN
    PERFORM approval.check_reader_of(reader, p_request_id);
    IF NOT p_outcomes <@ ARRAY['waiting', 'converged', 'failed', 'drift', 'drifted'] THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s: an outcome is waiting, converged, failed, drift or drifted',
                                                                  array_to_string(p_outcomes, ', '));
    END IF;
    IF cardinality(p_after) <> 3 OR array_position(p_after, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'items are shown from behind a minion, a kind and a name';
    END IF;
    -- Nothing here goes through all items, which may be a hundred thousand.
    WITH page AS MATERIALIZED (
        SELECT l.*, (l.item).minion_id, (l.item).kind, (l.item).name, row_number() OVER () AS place
        FROM approval.request AS r,
            approval.list_items(r.request_id, r.item_set_version, p_outcomes, p_after, p_limit) AS l
        WHERE r.request_id = p_request_id
    ), counted AS MATERIALIZED (
        SELECT c.* FROM approval.request AS r, approval.count_items(r.request_id, r.item_set_version) AS c
        WHERE r.request_id = p_request_id
    ), drifted AS MATERIALIZED (
        SELECT count(*) AS items
        FROM approval.drift AS d JOIN approval.current_item AS i ON i.minion_id = d.minion_id AND i.item_id = d.item_id
        WHERE d.request_id = p_request_id AND d.cleared_at IS NULL AND i.state = 'approved'
    ), grouped AS MATERIALIZED (
        SELECT g.*, row_number() OVER () AS place
        FROM approval.request AS r,
            approval.item_groups(
                r.request_id, r.item_set_version, reads_values, is_sensitive AND is_covered, shown_groups) AS g
        WHERE r.request_id = p_request_id
    )
    SELECT jsonb_build_object(
        'request', r.request_id, 'type', r.type_name, 'type_version', r.type_version, 'state', r.state,
        'action', (SELECT t.action FROM approval.request_type AS t
                   WHERE t.type_name = r.type_name AND t.type_version = r.type_version),
        'requester', p.name, 'assurance', r.assurance, 'reason', r.reason, 'source', r.source, 'external_ref', r.external_ref,
        'ticket', (SELECT jsonb_build_object('site', t.provider, 'id', t.ticket_id, 'key', k.key, 'url', k.url,
                       'generation', t.generation, 'held_at', h.held_at, 'held', h.reason)
                   FROM approval.ticket_request AS t
                   JOIN approval.ticket AS k USING (provider, ticket_id)
                   LEFT JOIN approval.ticket_hold AS h USING (request_id)
                   WHERE t.request_id = r.request_id),
        'submitted_at', r.submitted_at, 'after', r.not_before, 'expires_at', r.expires_at,
        'approved_at', r.approved_at, 'closed_at', r.closed_at,
        'on_behalf_of', (SELECT name FROM approval.principal WHERE principal_id = r.on_behalf_of),
        'reverts', r.reverts, 'renews', r.renews, 'break_glass_at', r.break_glass_at, 'item_set_version', r.item_set_version,
        'review', (SELECT jsonb_build_object('group', t.review_group, 'at', r.review_at,
                       'by', (SELECT name FROM approval.principal WHERE principal_id = r.review_by))
                   FROM approval.request_type AS t
                   WHERE t.type_name = r.type_name AND t.type_version = r.type_version AND t.review_group IS NOT NULL),
        'overlaps', (SELECT coalesce(jsonb_agg(jsonb_build_object('other', o.other_id, 'resources', o.resources,
                                                                 'example', o.example, 'resolution', o.resolution)
                                                                     ORDER BY o.other_id), '[]')
                     FROM approval.request_overlap AS o WHERE o.request_id = r.request_id),
        'left_out', (SELECT jsonb_agg(jsonb_build_object('minion', l.minion_id, 'kind', l.kind, 'name', l.name, 'reason', l.reason)
                                      ORDER BY l.minion_id COLLATE "C", l.kind, l.name)
                     FROM (SELECT * FROM approval.request_left_out AS every
                         WHERE every.request_id = r.request_id LIMIT p_limit) AS l),
        'not_renewed', (
            SELECT e.detail::jsonb ->> 'because' FROM approval.audit_entry AS e
            WHERE e.stream = r.request_id AND e.act = 'renewal-refused' AND (
                e.detail::jsonb ? 'renewal' OR NOT EXISTS (SELECT FROM approval.request AS next WHERE next.renews = r.request_id))
            ORDER BY e.seq DESC LIMIT 1),
        'notes', (SELECT jsonb_agg(jsonb_build_object('note', n.note, 'minions', n.minions, 'minion_count', n.minion_count)
                                   ORDER BY n.note_no)
                  FROM approval.request_note AS n
                  WHERE n.request_id = r.request_id AND n.item_set_version = r.item_set_version),
        'plan_within', (SELECT t.plan_within FROM approval.request_type AS t
                        WHERE t.type_name = r.type_name AND t.type_version = r.type_version),
        'plan', approval.plan_summary(r.request_id),
        'shown_to', CASE WHEN is_sensitive THEN (
            SELECT count(DISTINCT l.principal_id) FROM approval.look AS l WHERE l.request_id = r.request_id) END,
        'digest', s.digest, 'item_count', s.item_count, 'waiting_for', approval.waiting_for(r.request_id),
        'waits', (
            SELECT coalesce(jsonb_agg(to_jsonb(w)), '[]')
            FROM approval.request_state AS known, approval.waits(r.request_id, looked_at, moment) AS w
            WHERE known.state = r.state AND known.was_approved AND NOT known.is_closed),
        'waits_of', (
            SELECT looked_at FROM counted AS c WHERE c.state = 'approved' AND c.outcome <> 'converged'
            HAVING sum(c.items) > looked_at),
        'reverted_by', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('request', v.request_id, 'state', v.state) ORDER BY v.request_id), '[]')
            FROM approval.request AS v WHERE v.reverts = r.request_id),
        'glass', (
            SELECT jsonb_build_object('by', e.principal, 'identity', e.identity, 'at', e.at,
                                      'comment', e.detail::jsonb ->> 'comment')
            FROM approval.audit_entry AS e WHERE e.stream = r.request_id AND e.act = 'glass-broken' ORDER BY e.seq DESC LIMIT 1),
        'sent', (
            SELECT coalesce(jsonb_agg(to_jsonb(j) ORDER BY j.jid), '[]')
            FROM approval.sent_jobs(r.request_id, shown_jobs) AS j),
        'told', approval.dispatch_summary(r.request_id),
        'rollout', approval.rollout_of(r.request_id),
        'outcomes', (
            SELECT jsonb_object_agg(tally.outcome, tally.count)
            FROM (SELECT c.outcome, sum(c.items) AS count FROM counted AS c GROUP BY 1) AS tally),
        'standings', (
            SELECT jsonb_object_agg(tally.standing, tally.count)
            FROM (SELECT e.standing, sum(e.items) AS count
                  FROM (SELECT CASE WHEN c.state = 'withdrawn' AND c.outcome = 'waiting' THEN 'withdrawn'
                            ELSE c.outcome END AS standing, c.items FROM counted AS c
                        UNION ALL SELECT 'drifted', d.items FROM drifted AS d
                        UNION ALL SELECT 'converged', -d.items FROM drifted AS d) AS e
                  GROUP BY 1 HAVING sum(e.items) <> 0) AS tally),
        'drift_count', (
            SELECT coalesce(sum(c.items), 0) FROM counted AS c WHERE c.state = 'approved' AND c.outcome = 'drift')
            + (SELECT d.items FROM drifted AS d),
        'minion_count', s.minion_count,
        'groups', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('minions', g.minions, 'first', g.first_minion, 'last', g.last_minion,
                'items', (
                SELECT jsonb_agg(approval.shown_item(i, i.outcome, NULL, NULL) ORDER BY i.kind, i.name)
                FROM approval.item AS i
                WHERE i.request_id = r.request_id AND i.item_set_version = r.item_set_version
                    AND i.minion_id = g.first_minion)) ORDER BY g.place), '[]')
            FROM grouped AS g),
        'group_count', (SELECT coalesce(max(g.group_count), 0) FROM grouped AS g),
        'deviating', (
            SELECT coalesce(jsonb_agg(approval.shown_item(l.item, l.standing, l.drift, l.dispatch)), '[]')
            FROM approval.list_items(r.request_id, r.item_set_version, '{failed,drift,drifted}', NULL, shown_deviations) AS l
            WHERE (l.item).state = 'approved'),
        'chain', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'stage', stage.stage_no, 'name', stage.name, 'min_assurance', stage.min_assurance, 'accept', stage.accept,
                'started_at', stage.started_at, 'timeout', stage.timeout, 'escalate_to', stage.escalate_to,
                'satisfied_at', stage.satisfied_at, 'any_of', (
                    SELECT jsonb_agg(jsonb_build_object('group', q.group_name, 'quorum', q.quorum) ORDER BY q.group_name)
                    FROM approval.request_quorum AS q
                    WHERE q.request_id = stage.request_id AND q.stage_no = stage.stage_no),
                'decisions', (
                    SELECT coalesce(jsonb_agg(jsonb_build_object(
                        'decision', d.decision, 'by', who.name, 'identity', d.provider || ':' || d.subject,
                        'assurance', d.assurance,
                        'counts_for', (SELECT name FROM approval.principal WHERE principal_id = d.counts_for),
                        'at', d.decided_at, 'comment', d.comment) ORDER BY d.decided_at), '[]')
                    FROM approval.decision AS d JOIN approval.principal AS who USING (principal_id)
                    WHERE d.request_id = stage.request_id AND d.item_set_version >= r.reviewed_version
                        AND d.stage_no = stage.stage_no)) ORDER BY stage.stage_no), '[]')
            FROM approval.request_stage AS stage WHERE stage.request_id = r.request_id),
        'items', (
            SELECT coalesce(jsonb_agg(
                approval.shown_item(i.item, i.standing, i.drift, i.dispatch) ORDER BY i.place), '[]')
            FROM page AS i),
        'next', (
            SELECT jsonb_build_array(i.minion_id, i.kind, i.name) FROM page AS i
            WHERE (SELECT count(*) FROM page) = p_limit ORDER BY i.place DESC LIMIT 1),
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
    result := approval.readable_request(result, reads_values);
    RETURN CASE WHEN is_covered THEN approval.covered_request(result, is_sensitive) ELSE result END;
END
$$;
COMMENT ON FUNCTION approval.show_request IS
    'Everything about a request. Of its items a page: p_limit of those that stand as p_outcomes says (NULL: all), from behind '
    'p_after (minion, kind, name; next is what to give for the next page), in the database''s order of texts. groups has minions '
    'of which the same is asked once, with their number, the first and the last of them, and the first one''s items; deviating: '
    'the first twenty approved items that failed or drifted; drift_count: how many are otherwise than approved; waits: what keeps '
    'items from being proven (see approval.waits); where waits_of is a number, only so many were looked at, as more wait. '
    'Values are ••• for the login, or for p_reader (see reading_as), where they may not read them; and those that are '
    'sensitive, unless sees_sensitive says that they are shown. shown_to: how many people looked at these; NULL: there are '
    'none. Raises AP005, AP014. Definer: tables are private.';
