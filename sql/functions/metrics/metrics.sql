CREATE OR REPLACE FUNCTION approval.metrics() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
WITH compliance AS MATERIALIZED (
    SELECT * FROM approval.compliance()
), requests AS MATERIALIZED (
    -- Requests are numbered as they come, so the lowest number of a state is the oldest one.
    SELECT s.state, coalesce(o.requests, 0) AS requests,
        (SELECT r.submitted_at FROM approval.request AS r WHERE r.request_id = o.first) AS oldest
    FROM approval.request_state AS s
    LEFT JOIN (SELECT r.state, count(*) AS requests, min(r.request_id) AS first FROM approval.request AS r
               WHERE r.closed_at IS NULL GROUP BY r.state) AS o USING (state)
    WHERE NOT s.is_closed
), messages AS MATERIALIZED (
    SELECT o.destination,
        CASE WHEN o.state = 'waiting' AND o.attempts = 0 AND o.due_at > now() THEN 'held-back' ELSE o.state END AS state,
        count(*) AS messages, min(greatest(o.created_at, CASE WHEN o.attempts = 0 THEN o.due_at END)) AS due
    FROM approval.outbox AS o WHERE o.state <> 'delivered' GROUP BY 1, 2
), destinations AS (
    SELECT 'salt' AS destination UNION SELECT r.destination FROM approval.route AS r UNION SELECT m.destination FROM messages AS m
)
SELECT 'saltext_approval_minions', jsonb_build_object('standing', c.standing), c.minions::double precision FROM compliance AS c
UNION ALL
SELECT 'saltext_approval_drifting_resources', '{}', c.resources FROM compliance AS c WHERE c.resources IS NOT NULL
UNION ALL
SELECT 'saltext_approval_requests', jsonb_build_object('state', r.state), r.requests FROM requests AS r
UNION ALL
SELECT 'saltext_approval_oldest_request_timestamp_seconds', jsonb_build_object('state', r.state),
    extract(epoch FROM r.oldest)
FROM requests AS r WHERE r.oldest IS NOT NULL
UNION ALL
SELECT 'saltext_approval_outbox_messages', jsonb_build_object('destination', d.destination, 'state', s.state),
    coalesce(m.messages, 0)
FROM destinations AS d CROSS JOIN unnest(ARRAY['waiting', 'held-back', 'dead']) AS s (state)
LEFT JOIN messages AS m USING (destination, state)
UNION ALL
SELECT 'saltext_approval_outbox_oldest_due_timestamp_seconds', jsonb_build_object('destination', m.destination),
    extract(epoch FROM m.due)
FROM messages AS m WHERE m.state = 'waiting'
UNION ALL
SELECT 'saltext_approval_returns_total', jsonb_build_object('verdict', replace(substr(c.relname, 9), '_', '-')),
    coalesce(pg_sequence_last_value(c.oid), 0)
FROM pg_class AS c
WHERE c.relnamespace = 'approval'::regnamespace AND c.relkind = 'S' AND starts_with(c.relname, 'returns_')
UNION ALL
SELECT 'saltext_approval_alarms', jsonb_build_object('severity', s.severity), count(a.alarm_id)
FROM unnest(ARRAY['info', 'warning', 'critical']) AS s (severity)
LEFT JOIN approval.alarm AS a ON a.severity = s.severity AND a.acknowledged_at IS NULL AND coalesce(a.muted_until <= now(), true)
GROUP BY s.severity
UNION ALL
SELECT 'saltext_approval_rollouts', jsonb_build_object('state', s.state), count(o.request_id)
FROM unnest(ARRAY['running', 'halted']) AS s (state) LEFT JOIN approval.rollout AS o ON o.state = s.state
GROUP BY s.state
UNION ALL
SELECT 'saltext_approval_sending_paused', '{}', count(*) FROM approval.sending_pause
UNION ALL
SELECT 'saltext_approval_catch_ups_waiting', '{}', count(*) FROM approval.catch_up AS c WHERE c.state = 'waiting'
UNION ALL
SELECT 'saltext_approval_audit_unsealed_streams', '{}', count(*) FROM approval.audit_stream AS s WHERE s.sealed_seq < s.head_seq
$$;
COMMENT ON FUNCTION approval.metrics IS
    'What is counted for monitoring: a name as Prometheus knows it, its labels, its value; times are seconds since 1970 UTC. Each '
    'number comes by an index over what is open. Definer: tables are private.';
