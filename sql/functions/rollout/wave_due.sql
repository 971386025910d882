CREATE OR REPLACE FUNCTION approval.wave_due(p_request_id bigint, p_wave_no integer, p_now timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
WITH open AS MATERIALIZED (
    SELECT i.minion_id, i.item_id, i.effective_at
    FROM approval.wave_minion AS w JOIN approval.item AS i USING (request_id, minion_id)
    WHERE w.request_id = p_request_id AND w.wave_no = p_wave_no AND i.state = 'approved' AND i.applied_at IS NULL
), held AS MATERIALIZED (
    SELECT h.minion_id, h.item_id, max(h.ends_at) AS until
    FROM (SELECT array_agg(o.minion_id) AS minions, array_agg(o.item_id) AS items FROM open AS o) AS given,
        approval.timed_holds(given.minions, given.items, p_now, 1) AS h
    WHERE h.starts_at <= p_now
    GROUP BY h.minion_id, h.item_id
)
SELECT CASE WHEN EXISTS (SELECT FROM approval.sending_pause) THEN p_now + interval '5 minutes'
    -- Windows and freezes may be changed meanwhile.
    ELSE least(greatest(coalesce((SELECT max(w.settled_at) + o.soak FROM approval.wave AS w WHERE w.request_id = p_request_id),
                                 '-infinity'),
                        (SELECT min(greatest(e.effective_at, h.until))
                         FROM open AS e LEFT JOIN held AS h USING (minion_id, item_id))),
               p_now + interval '5 minutes') END
FROM approval.rollout AS o WHERE o.request_id = p_request_id
$$;
COMMENT ON FUNCTION approval.wave_due IS
    'Internal: when the next wave of a rollout may open: the one before has soaked, and no window or freeze holds all of it back; '
    'or when to look again, if that is later.';
