CREATE OR REPLACE FUNCTION approval.holds(p_minions text[], p_items bigint[], p_at timestamptz, p_openings integer)
    RETURNS TABLE (minion_id text, item_id bigint, starts_at timestamptz, ends_at timestamptz, by text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
SELECT h.minion_id, h.item_id, h.starts_at, h.ends_at, h.by FROM approval.timed_holds(p_minions, p_items, p_at, p_openings) AS h
UNION ALL
-- A wave opens when others have proven it, whatever the time; breaking the glass passes times alone.
SELECT i.minion_id, i.item_id, '-infinity', 'infinity', format('wave %s of request %s', w.wave_no, w.request_id)
FROM unnest(p_minions, p_items) AS given (minion_id, item_id)
CROSS JOIN LATERAL (SELECT * FROM approval.item AS one WHERE one.minion_id = given.minion_id
    AND one.item_id = given.item_id OFFSET 0) AS i
JOIN approval.wave_minion AS w ON w.request_id = i.request_id AND w.minion_id = i.minion_id AND w.opened_at IS NULL
-- Mostly no request has a rollout: then nothing is looked up, for a hundred thousand items.
WHERE EXISTS (SELECT FROM approval.rollout) AND i.state = 'approved' AND i.applied_at IS NULL
UNION ALL
-- A ticket that does not say any more what was approved holds it back, too.
SELECT i.minion_id, i.item_id, '-infinity', 'infinity', 'ticket ' || k.key
FROM unnest(p_minions, p_items) AS given (minion_id, item_id)
CROSS JOIN LATERAL (SELECT * FROM approval.item AS one WHERE one.minion_id = given.minion_id
    AND one.item_id = given.item_id OFFSET 0) AS i
JOIN approval.ticket_hold AS h ON h.request_id = i.request_id
JOIN approval.ticket_request AS t ON t.request_id = i.request_id
JOIN approval.ticket AS k USING (provider, ticket_id)
WHERE EXISTS (SELECT FROM approval.ticket_hold) AND i.state = 'approved' AND i.applied_at IS NULL
$$;
COMMENT ON FUNCTION approval.holds IS
    'Internal: the one rule of what holds back a change that is approved and was never applied: the spans of time in which a '
    'calendar or a freeze does, see timed_holds, and one without an end where its wave has not opened, or its ticket is held; '
    'each with what holds it. Items are given as pairs. p_openings: look only so many openings of a calendar ahead; NULL: all '
    'that are worked out.';
