CREATE OR REPLACE FUNCTION approval.check_work(p_reader bigint DEFAULT NULL)
    RETURNS TABLE (severity text, subject text, problem text, remedy text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
WITH work (severity, subject, problem, remedy) AS (
    SELECT 'warning', format('messages to %s', o.destination),
        format('%s could not be delivered since %s, and what comes behind in the same thread waits; the last error: %s',
               approval.counted(count(*), 'message'), approval.when_text(min(o.created_at)),
               coalesce(approval.shortened((array_agg(o.last_error ORDER BY o.created_at DESC))[1], 300), 'none')),
        format('See why: salt-approval outbox list --state dead. Once that is mended: salt-approval outbox retry THREAD '
               '--destination %s', o.destination)
    FROM approval.outbox AS o WHERE o.state = 'dead' GROUP BY o.destination
    UNION ALL
    -- Behind another one of its thread a message waits for that.
    SELECT 'warning', format('messages to %s', o.destination),
        format('%s since %s, and none is taken', CASE count(*) WHEN 1 THEN '1 message waits' ELSE count(*) || ' messages wait' END,
               approval.when_text(min(greatest(o.created_at, o.due_at)))),
        CASE o.destination WHEN 'salt' THEN 'The worker dispatch of the engine sends them: salt-approval check on the master.'
            ELSE format('Look whether what delivers them runs: salt-approval check on its host. Where nothing takes them any more: '
                        'salt-approval outbox drop THREAD --destination %s', o.destination) END
    FROM approval.outbox AS o
    WHERE o.state = 'waiting' AND greatest(o.created_at, o.due_at) <= now() - interval '15 minutes'
        AND (o.leased_until IS NULL OR o.leased_until <= now() - interval '15 minutes')
        AND NOT (o.destination = 'salt' AND EXISTS (SELECT FROM approval.sending_pause))
        AND NOT EXISTS (SELECT FROM approval.outbox AS earlier
                        WHERE earlier.destination = o.destination AND earlier.thread = o.thread AND earlier.seq < o.seq
                            AND earlier.state <> 'delivered')
    GROUP BY o.destination
    UNION ALL
    SELECT 'warning', 'sending',
        format('all of it is paused since %s by %s: %s', approval.when_text(p.paused_at), p.paused_by, p.comment),
        'Once it may go on: salt-approval rollout resume --all --comment WHY'
    FROM approval.sending_pause AS p
    UNION ALL
    SELECT 'warning', format('rollout of request %s', o.request_id), 'failures halted it',
        format('See which: salt-approval rollout show %s. Then decide: salt-approval rollout resume %1$s go-on, or give-up',
               o.request_id)
    FROM (SELECT r.request_id FROM approval.rollout AS r WHERE r.state = 'halted' ORDER BY r.request_id LIMIT 20) AS o
    UNION ALL
    SELECT 'warning', format('tickets of %s', d.provider),
        CASE count(*) WHEN 1 THEN '1 delivery' ELSE count(*) || ' deliveries' END || ' could not be worked off',
        'See why: salt-approval itsm list SITE --deliveries. Once that is mended: salt-approval itsm retry SITE.'
    FROM approval.ticket_delivery AS d WHERE d.state = 'dead' GROUP BY d.provider
    UNION ALL
    SELECT 'warning', format('tickets of %s', d.provider),
        format('%s since %s, and none is taken', CASE count(*) WHEN 1 THEN '1 delivery waits'
                                               ELSE count(*) || ' deliveries wait' END,
               approval.when_text(min(d.received_at))),
        'The worker tickets of salt-approval serve does it, where approval:itsm has the site.'
    FROM approval.ticket_delivery AS d WHERE d.state = 'waiting' AND d.due_at <= now() - interval '15 minutes'
        AND (d.leased_until IS NULL OR d.leased_until <= now())
    GROUP BY d.provider
    UNION ALL
    SELECT 'warning', 'minions that started',
        format('%s to be caught up since %s, and none is taken',
               approval.counted(count(*), 'minion'), approval.when_text(min(c.due_at))),
        'The worker catch_up of the engine whose master has their keys does it; salt-approval catch-ups has them.'
    FROM approval.catch_up AS c WHERE c.state = 'waiting' AND c.due_at <= now() - interval '15 minutes'
        AND NOT EXISTS (SELECT FROM approval.catch_up AS taken
                        WHERE taken.state <> 'waiting' AND taken.state_at > now() - interval '15 minutes')
    HAVING count(*) > 0
    UNION ALL
    SELECT 'error', 'audit', format('acts since %s are not sealed', approval.when_text(min(e.at))),
        'The worker seal of the engine does it within a second: salt-approval check on the master.'
    FROM (SELECT s.stream, s.sealed_seq FROM approval.audit_stream AS s
          WHERE s.sealed_seq < s.head_seq ORDER BY s.stream LIMIT 1000) AS u
    JOIN approval.audit_entry AS e ON e.stream = u.stream AND e.seq = u.sealed_seq + 1
    HAVING min(e.at) <= now() - interval '15 minutes'
    UNION ALL
    SELECT 'error', 'requests', format('what was to end by itself %s still stands', approval.when_text(d.due)),
        'The worker due of the engine does it: salt-approval check on the master.'
    FROM (SELECT approval.next_due() AS due) AS d WHERE d.due <= now() - interval '15 minutes'
    UNION ALL
    SELECT 'warning', 'catalogs',
        format('%s of packages that minions have %s last read before %s', approval.counted(count(*), 'catalog'),
               CASE count(*) WHEN 1 THEN 'was' ELSE 'were' END, approval.when_text(now() - interval '7 days')),
        'The worker inventory of the engine reads them, as often as its settings say; at once: salt-approval minion sync'
    FROM approval.catalog AS c
    WHERE c.seen_at <= now() - interval '7 days' AND EXISTS (
        SELECT FROM approval.catalog_member AS b JOIN approval.minion AS m USING (minion_id)
        WHERE b.catalog_id = c.catalog_id AND m.removed_at IS NULL)
    HAVING count(*) > 0
)
SELECT w.* FROM work AS w
-- Errors of messages, and of what waits, may name any request or minion.
WHERE approval.readable_groups(approval.reading_as(p_reader), 'requests') IS NULL
ORDER BY 1, 2
$$;
COMMENT ON FUNCTION approval.check_work IS
    'Work that stands, as far as the database can tell, as findings of the check: see approval.check_policy. Messages that are '
    'dead, or that nothing takes; a pause of all sending, and rollouts that were halted; deliveries of tickets and minions that '
    'started, which nobody takes; acts that are not sealed, and what has not ended in time; catalogs that were not read for a '
    'week. Nothing, unless the login, or p_reader (see reading_as), may read all requests. Definer: tables are private.';
