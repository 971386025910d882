CREATE OR REPLACE FUNCTION approval.note_drift(p_jids text[], p_minions text[], p_revisions bigint[], p_findings text[],
    p_now timestamptz)
    RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    begun record;
    before jsonb;
    heard text[];
BEGIN
    WITH gone AS (
        DELETE FROM approval.silence WHERE minion_id IN (
            SELECT s.minion_id FROM approval.silence AS s WHERE s.minion_id = ANY (p_minions)
                ORDER BY s.minion_id COLLATE "C" FOR UPDATE)
        RETURNING minion_id
    )
    SELECT array_agg(g.minion_id) INTO heard FROM gone AS g;
    -- In one order, as other batches may tell of the same minions.
    PERFORM FROM approval.drift AS t WHERE t.minion_id = ANY (p_minions) ORDER BY t.minion_id COLLATE "C", t.kind,
        t.name FOR UPDATE;
    IF EXISTS (SELECT FROM approval.route AS r WHERE r.topic = 'drift') THEN
        before := approval.open_drift(p_minions);
    END IF;

    -- Of the document in force only: what an older one wanted says nothing of today.
    FOR begun IN
        WITH held AS (
            SELECT d.minion_id, d.revision, d.kinds, d.names, d.contents, d.item_ids
            FROM approval.document_in_force(p_now) AS d
            WHERE d.minion_id = ANY (p_minions)
        ), told AS (
            SELECT p.minion_id, p.jid, e.item_id, e.kind, e.name, e.content, f.verdict, f.reason, f.observed, f.finding, f.is_signed
            FROM unnest(p_jids, p_minions, p_revisions, p_findings) AS p (jid, minion_id, revision, findings)
            JOIN held AS h USING (minion_id, revision)
            CROSS JOIN LATERAL unnest(h.kinds, h.names, h.contents, h.item_ids) AS e (kind, name, content, item_id)
            JOIN LATERAL approval.findings_of(p.findings::json) AS f ON f.kind = e.kind AND f.name = e.name
        ), cleared AS (
            UPDATE approval.drift AS t
            SET cleared_at = p_now
            WHERE t.minion_id = ANY (p_minions) AND t.cleared_at IS NULL AND (
                EXISTS (SELECT FROM told WHERE told.minion_id = t.minion_id AND told.kind = t.kind AND told.name = t.name
                            AND told.verdict = 'converged' AND told.is_signed)
                OR NOT EXISTS (SELECT FROM held AS h WHERE h.minion_id = t.minion_id AND t.item_id = ANY (h.item_ids)))
        ), noted AS (
            INSERT INTO approval.drift AS t
                (minion_id, kind, name, item_id, request_id, expected, observed, finding, jid, since, last_seen)
            SELECT o.minion_id, o.kind, o.name, o.item_id, i.request_id, o.content, o.observed, o.finding, o.jid, p_now, p_now
            FROM told AS o
            JOIN approval.item AS i ON i.minion_id = o.minion_id AND i.item_id = o.item_id
            -- never-applied is what the minion thinks, whose memory may be lost; that it was proven stands with the item.
            WHERE i.outcome = 'converged' AND (o.verdict IN ('drift', 'failed') OR o.reason = 'never-applied')
            ORDER BY o.minion_id COLLATE "C", o.kind, o.name
            ON CONFLICT (minion_id, kind, name) DO UPDATE
            SET item_id = excluded.item_id, request_id = excluded.request_id, expected = excluded.expected,
                observed = excluded.observed, finding = excluded.finding, jid = excluded.jid, last_seen = excluded.last_seen,
                cleared_at = NULL,
                since = CASE WHEN t.cleared_at IS NULL AND t.item_id = excluded.item_id THEN t.since ELSE excluded.since END
            RETURNING t.minion_id, t.kind, t.name, t.request_id, t.jid, t.since
        )
        SELECT n.kind, n.name, n.request_id, array_agg(n.minion_id ORDER BY n.minion_id COLLATE "C") AS minions, min(n.jid) AS jid
        FROM noted AS n
        WHERE n.since = p_now
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    LOOP
        PERFORM approval.raise_alarm('drift', begun.minions, begun.kind || ' ' || begun.name, begun.request_id, jsonb_build_object(
            'jid', begun.jid, 'alike', '', 'what', format('%s %s is not as approved any more', begun.kind, begun.name)), p_now);
    END LOOP;
    PERFORM approval.note_change(ARRAY(
        SELECT i.request_id FROM approval.drift AS t JOIN approval.item AS i USING (minion_id, item_id)
        WHERE t.minion_id = ANY (p_minions) AND p_now IN (t.last_seen, t.cleared_at)));
    IF before IS NOT NULL THEN
        IF heard IS NOT NULL THEN
            -- Threads are told of both, and are locked in one order.
            PERFORM pg_advisory_xact_lock(hashtextextended('approval.outbox/drift/' || m.minion_id, 0))
            FROM (SELECT o.minion_id FROM unnest(p_minions) AS o (minion_id) ORDER BY o.minion_id COLLATE "C") AS m;
            PERFORM approval.tell_silence(heard, p_now);
        END IF;
        PERFORM approval.tell_drift(before, approval.open_drift(p_minions), p_now);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.note_drift IS
    'Internal: notes of resources that were proven before which ones are otherwise now, by authentic returns, no two of one '
    'minion, and which ones are as approved again; none of these minions is silent. Drift that begins raises an alarm; routes of '
    'topic drift are told of each change, and of who was silent. For the arrays see record_returns.';
