CREATE OR REPLACE FUNCTION approval.show_request(
    p_request_id bigint, p_outcomes text[] DEFAULT NULL, p_after text[] DEFAULT NULL, p_limit integer DEFAULT 1000,
    p_reader bigint DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Of a request over all minions the items are gone through several times: in memory, and without a compiler's seconds.
    SET work_mem = '64MB' SET jit = off AS $$
DECLARE
    shown_groups constant integer := 100;
    shown_jobs constant integer := 20;
    -- Not the start of the transaction, in which it may have been approved.
    moment timestamptz := clock_timestamp();
    reader constant bigint := approval.reading_as(p_reader);
    reads_values constant boolean := approval.may_read(reader, 'values', p_request_id);
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
    WITH every AS MATERIALIZED (
        SELECT * FROM approval.request_items(p_request_id)
    ), chosen AS (
        SELECT * FROM every AS e WHERE p_outcomes IS NULL OR e.standing = ANY (p_outcomes)
    ), page AS (
        SELECT c.*, (c.item).minion_id COLLATE "C" AS minion_id, (c.item).kind COLLATE "C" AS kind,
            (c.item).name COLLATE "C" AS name
        FROM chosen AS c
        WHERE p_after IS NULL OR ((c.item).minion_id COLLATE "C", (c.item).kind COLLATE "C", (c.item).name COLLATE "C")
            > (p_after[1], p_after[2], p_after[3])
        ORDER BY 5, 6, 7 LIMIT p_limit
    ), per_minion AS (
        SELECT (c.item).minion_id COLLATE "C" AS minion_id,
            -- Which have the same value says something of it.
            md5(string_agg(concat_ws(E'\n', (c.item).kind, (c.item).name, (c.item).type, c.standing, CASE WHEN reads_values
                THEN concat_ws(E'\n', (c.item).content, coalesce((c.item).observed, '-'), coalesce((c.item).outcome_text, '-'),
                               coalesce((c.drift).observed, '-')) END), E'\n' ORDER BY (c.item).kind, (c.item).name)) AS likeness
        FROM chosen AS c GROUP BY (c.item).minion_id
    ), grouped AS (
        SELECT count(*) AS minions, min(p.minion_id) AS first, max(p.minion_id) AS last FROM per_minion AS p GROUP BY p.likeness
        ORDER BY 1 DESC, 2 LIMIT shown_groups
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
        'digest', s.digest, 'item_count', s.item_count, 'waiting_for', approval.waiting_for(r.request_id),
        'waits', (
            SELECT coalesce(jsonb_agg(to_jsonb(w)), '[]')
            FROM approval.request_state AS known, approval.waits(r.request_id, NULL, moment) AS w
            WHERE known.state = r.state AND known.was_approved),
        'reverted_by', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('request', v.request_id, 'state', v.state) ORDER BY v.request_id), '[]')
            FROM approval.request AS v WHERE v.reverts = r.request_id),
        'glass', (
            SELECT jsonb_build_object('by', e.principal, 'identity', e.identity, 'at', e.at,
                                      'comment', e.detail::jsonb ->> 'comment')
            FROM approval.audit_entry AS e WHERE e.stream = r.request_id AND e.act = 'glass-broken' ORDER BY e.seq DESC LIMIT 1),
        'sent', (
            SELECT coalesce(jsonb_agg(to_jsonb(job)), '[]')
            FROM (SELECT (e.dispatch).jid, min((e.dispatch).sent_at) AS at, count(DISTINCT (e.dispatch).minion_id) AS minions
                  FROM every AS e WHERE (e.dispatch).jid IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT shown_jobs) AS job),
        'told', approval.dispatch_summary(r.request_id),
        'rollout', approval.rollout_of(r.request_id),
        'outcomes', (
            SELECT jsonb_object_agg(tally.outcome, tally.count)
            FROM (SELECT (e.item).outcome, count(*) AS count FROM every AS e GROUP BY 1) AS tally),
        'standings', (
            SELECT jsonb_object_agg(tally.standing, tally.count)
            FROM (SELECT e.standing, count(*) AS count FROM every AS e GROUP BY 1) AS tally),
        'minion_count', s.minion_count,
        'groups', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('minions', g.minions, 'first', g.first, 'last', g.last, 'items', (
                SELECT jsonb_agg(approval.shown_item(c.item, c.standing, c.drift, c.dispatch) ORDER BY (c.item).kind, (c.item).name)
                FROM chosen AS c WHERE (c.item).minion_id = g.first)) ORDER BY g.minions DESC, g.first), '[]')
            FROM grouped AS g),
        'group_count', (SELECT count(DISTINCT p.likeness) FROM per_minion AS p),
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
                approval.shown_item(i.item, i.standing, i.drift, i.dispatch) ORDER BY i.minion_id, i.kind, i.name), '[]')
            FROM page AS i),
        'next', (
            SELECT jsonb_build_array(i.minion_id, i.kind, i.name) FROM page AS i
            WHERE (SELECT count(*) FROM page) = p_limit ORDER BY i.minion_id DESC, i.kind DESC, i.name DESC LIMIT 1),
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
    RETURN approval.readable_request(result, reads_values);
END
$$;
COMMENT ON FUNCTION approval.show_request IS
    'Everything about a request. Of its items a page: p_limit of those that stand as p_outcomes says (NULL: all), from behind '
    'p_after (minion, kind, name; next is what to give for the next page). groups has the same without pages: minions with the '
    'same items and outcomes once, with their number, the first and the last of them. Values are ••• for the login, or for '
    'p_reader (see reading_as), where they may not read them. Raises AP005, AP014. Definer: tables are private.';
