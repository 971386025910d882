CREATE OR REPLACE FUNCTION approval.waits(p_request_id bigint, p_most integer, p_at timestamptz)
    RETURNS TABLE (minions bigint, minion_id text, why text, until timestamptz, by text, jid text,
                   sent_at timestamptz, other bigint, text text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
WITH request AS (
    SELECT r.request_id, r.item_set_version, t.kind = 'action' AS is_action,
        approval.is_dispatched(t) AS is_dispatched,
        (SELECT o.last_error FROM approval.outbox AS o
         WHERE o.destination = 'salt' AND o.thread = 'request/' || r.request_id AND o.state = 'dead'
             ORDER BY o.seq LIMIT 1) AS dead_error
    FROM approval.request AS r
    JOIN approval.request_type AS t USING (type_name, type_version)
    WHERE r.request_id = p_request_id
), open AS (
    SELECT i.* FROM approval.item AS i
    WHERE i.request_id = p_request_id AND i.state = 'approved' AND i.outcome <> 'converged'
    LIMIT p_most
), hold AS MATERIALIZED (
    -- Items that the same things hold back are held until the same time: one of them tells of all.
    SELECT i.*, coalesce(h.spans, '') AS spans
    FROM open AS i
    LEFT JOIN (
        SELECT s.item_id, string_agg(format('%s %s %s', s.by, s.starts_at, s.ends_at), ',' ORDER BY s.by, s.starts_at) AS spans
        FROM (SELECT array_agg(o.minion_id) AS minions, array_agg(o.item_id) AS items FROM open AS o) AS given,
            approval.holds(given.minions, given.items, p_at, 1) AS s
        GROUP BY s.item_id) AS h USING (item_id)
), held AS MATERIALIZED (
    -- Once, also where no statistics say yet how many items there are.
    SELECT one.effective_at, one.spans, b.until, b.by
    FROM (SELECT DISTINCT ON (effective_at, spans) * FROM hold ORDER BY effective_at, spans, minion_id) AS one,
        approval.held_back(one.minion_id, one.item_id, p_at) AS b
), told AS (
    SELECT i.minion_id, i.item_id, i.outcome, held.until, held.by, d.state, d.proof, d.returned_at,
        coalesce(d.jid, d.observe_jid) AS jid, coalesce(d.sent_at, d.state_at) AS sent_at, winner.request_id AS other,
        answer.jid IS NOT NULL AS is_answered, started.started_at
    FROM hold AS i
    LEFT JOIN held ON held.effective_at = i.effective_at AND held.spans = i.spans
    LEFT JOIN approval.dispatch AS d ON d.request_id = p_request_id AND d.minion_id = i.minion_id
        AND (d.item_id = i.item_id OR d.proof = 'state')
    -- One by one by their keys: nobody wants all returns and documents read.
    LEFT JOIN LATERAL (
        SELECT r.jid FROM approval.job_return AS r WHERE r.jid = d.jid AND r.minion_id = d.minion_id LIMIT 1) AS answer ON true
    LEFT JOIN LATERAL (
        SELECT w.request_id FROM approval.document_in_force(p_at) AS n
        CROSS JOIN LATERAL unnest(n.kinds, n.names, n.item_ids) AS e (kind, name, item_id)
        JOIN approval.item AS w ON w.minion_id = i.minion_id AND w.item_id = e.item_id
        WHERE n.minion_id = i.minion_id AND NOT i.item_id = ANY (n.item_ids)
            AND e.kind = i.kind AND e.name = i.name
        LIMIT 1) AS winner ON i.kind <> 'action' AND held.until IS NULL
    LEFT JOIN approval.catch_up AS started ON started.minion_id = i.minion_id AND started.state <> 'ended'
        AND i.kind <> 'action'
), reason AS (
    SELECT t.*, CASE
        WHEN t.by = 'after' THEN 'after'
        WHEN t.until IS NOT NULL THEN 'held'
        WHEN t.other IS NOT NULL THEN 'overtaken'
        WHEN t.outcome <> 'waiting' THEN NULL
        WHEN r.is_dispatched AND t.started_at IS NOT NULL THEN 'catching-up'
        WHEN t.state IN ('observing', 'observed') THEN 'asked'
        WHEN t.state IN ('sending', 'sent') AND t.proof = 'reboot' AND t.returned_at IS NOT NULL THEN 'restarting'
        WHEN t.state IN ('sending', 'sent') AND t.is_answered THEN 'unproven'
        WHEN t.state IN ('sending', 'sent') THEN 'sent'
        WHEN r.is_dispatched AND r.dead_error IS NOT NULL THEN 'dead'
        WHEN r.is_dispatched THEN 'due'
        WHEN r.is_action THEN 'undispatched'
        ELSE 'highstate' END AS why
    FROM told AS t, request AS r
), grouped AS (
    SELECT count(DISTINCT t.minion_id) AS minions, min(t.minion_id) AS minion_id, t.why, t.until, t.by, t.other,
        CASE WHEN t.why IN ('asked', 'sent', 'restarting', 'unproven') THEN max(t.jid) END AS jid,
        CASE WHEN t.why IN ('asked', 'sent', 'restarting', 'unproven') THEN max(t.sent_at) END AS sent_at,
        CASE WHEN t.why = 'catching-up' THEN max(t.started_at) END AS started_at,
        bool_and(t.proof = 'state') AS is_state, count(DISTINCT t.minion_id) > 1 AND count(*) OVER () > 1 AS is_plural
    FROM reason AS t WHERE t.why IS NOT NULL
    GROUP BY t.why, t.until, t.by, t.other
)
SELECT g.minions, g.minion_id, g.why, g.until, g.by, g.jid, g.sent_at, g.other, CASE g.why
    WHEN 'after' THEN format('%s effect %s (after)', CASE WHEN g.is_plural THEN 'take' ELSE 'takes' END,
        approval.when_text(g.until))
    WHEN 'held' THEN CASE WHEN g.until < 'infinity' THEN format('held until %s by %s', approval.when_text(g.until), g.by)
                          ELSE format('held by %s, no end is known', g.by) END
    WHEN 'overtaken' THEN format('overtaken by request %s', g.other)
    WHEN 'catching-up' THEN format('started %s, and %s to be caught up', approval.when_text(g.started_at),
        CASE WHEN g.is_plural THEN 'are' ELSE 'is' END)
    WHEN 'asked' THEN format('asked %s what was there before, job %s', approval.when_text(g.sent_at), g.jid)
    WHEN 'sent' THEN format('sent %s, job %s, no answer yet', approval.when_text(g.sent_at), g.jid)
        || CASE WHEN g.is_state THEN '; a highstate brings it' ELSE '' END
    WHEN 'restarting' THEN format('sent %s, job %s, accepted; the new start is not proven yet',
        approval.when_text(g.sent_at), g.jid)
    WHEN 'unproven' THEN format('sent %s, job %s, answered without proof', approval.when_text(g.sent_at), g.jid)
        || CASE WHEN g.is_state THEN '; a highstate brings it' ELSE '' END
    WHEN 'dead' THEN format('not sent: %s', (SELECT r.dead_error FROM request AS r))
    WHEN 'due' THEN 'due, not sent yet'
    ELSE format('%s for %s: %s type is not dispatched', CASE WHEN g.is_plural THEN 'wait' ELSE 'waits' END,
                CASE g.why WHEN 'highstate' THEN 'a highstate' ELSE 'somebody to run it' END,
                CASE WHEN g.is_plural THEN 'their' ELSE 'its' END) END
FROM grouped AS g
ORDER BY g.minions DESC, g.why, g.until, g.by, g.other
$$;
COMMENT ON FUNCTION approval.waits IS
    'Internal: the causes that keep the items of an approved request from being proven at p_at; each with the number of minions '
    'and the first of them, the one with the most first. Looks at p_most items at the most (NULL: all). why is after, held (see '
    'held_back), overtaken (by request other), catching-up (see table catch_up), asked, sent, restarting, '
    'unproven (how far its sending has come), dead, due, '
    'undispatched or highstate (its type is not dispatched); text says it for people.';
