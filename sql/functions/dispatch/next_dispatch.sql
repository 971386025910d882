CREATE OR REPLACE FUNCTION approval.next_dispatch(p_request_id bigint, p_minions text[]) RETURNS timestamptz
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT least(
    (SELECT min(CASE WHEN d.state = 'observing' THEN clock_timestamp() + interval '1 second'
                     WHEN d.state = 'sending' THEN clock_timestamp() + interval '1 minute'
                     WHEN s.readiness = 'later' THEN s.again_at
                     WHEN reachable IS NULL AND p_minions IS NOT NULL AND s.readiness IN ('now', 'ping')
                         THEN clock_timestamp() + interval '1 minute'
                     ELSE clock_timestamp() END)
     FROM approval.dispatchable(p_request_id, NULL, NULL, clock_timestamp()) AS s
     LEFT JOIN unnest(p_minions) AS reachable ON reachable = s.minion_id
     LEFT JOIN approval.dispatch AS d USING (minion_id, item_id)
     WHERE s.readiness <> 'done'
         -- Of a state that may not have been sent see settle_dispatches.
         AND (d.state IS NULL OR d.state IN ('observing', 'observed') OR (d.proof = 'state' AND d.state = 'sending'))),
    (SELECT o.look_at FROM approval.rollout AS o WHERE o.request_id = p_request_id AND o.state IN ('running', 'halted')))
$$;
COMMENT ON FUNCTION approval.next_dispatch IS
    'When something of a request is to be dispatched, or its rollout to be brought on, next, where only these minions (NULL: all) '
    'can be told; NULL: nothing is left to be. Definer: tables are private.';
