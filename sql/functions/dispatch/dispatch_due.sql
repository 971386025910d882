CREATE OR REPLACE FUNCTION approval.dispatch_due(
    p_request_id bigint, p_minions text[], OUT due_at timestamptz, OUT is_for_others boolean)
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
SELECT least(t.due_at, (
           SELECT o.look_at FROM approval.rollout AS o WHERE o.request_id = p_request_id AND o.state IN ('running', 'halted'))),
    coalesce(t.is_for_others, false)
FROM (
    SELECT min(CASE WHEN w.state = 'observing' THEN clock_timestamp() + interval '1 second'
                    WHEN w.state = 'sending' THEN clock_timestamp() + interval '1 minute'
                    WHEN w.readiness = 'later' THEN w.again_at
                    WHEN w.is_elsewhere THEN clock_timestamp() + interval '1 minute'
                    ELSE clock_timestamp() END) AS due_at,
        bool_or(w.is_elsewhere AND coalesce(w.state = 'observed', true)) AS is_for_others
    FROM (SELECT s.readiness, s.again_at, d.state,
              -- As an expression, the list is hashed: as a join, it may be gone through for each of a hundred thousand items.
              CASE WHEN s.readiness IN ('now', 'ping') AND p_minions IS NOT NULL
                  THEN s.minion_id NOT IN (SELECT unnest(p_minions)) ELSE false END AS is_elsewhere
          FROM approval.dispatchable(p_request_id, NULL, NULL, clock_timestamp()) AS s
          LEFT JOIN approval.dispatch AS d USING (minion_id, item_id)
          WHERE s.readiness <> 'done'
              -- Of a state that may not have been sent see settle_dispatches.
              AND (d.state IS NULL OR d.state IN ('observing', 'observed') OR (d.proof = 'state' AND d.state = 'sending'))) AS w
    ) AS t
$$;
COMMENT ON FUNCTION approval.dispatch_due IS
    'Internal: when something of a request is to be dispatched, or its rollout to be brought on, next, where only these minions '
    '(NULL: all) can be told; NULL: nothing is left to be. is_for_others: something is to be done now on minions beside these.';
