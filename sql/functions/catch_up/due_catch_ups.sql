CREATE OR REPLACE FUNCTION approval.due_catch_ups(p_limit integer) RETURNS SETOF text
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
(SELECT c.minion_id FROM approval.catch_up AS c WHERE c.state = 'answered' ORDER BY c.state_at LIMIT p_limit)
UNION ALL
(SELECT c.minion_id FROM approval.catch_up AS c WHERE c.state = 'waiting' AND c.due_at <= clock_timestamp()
 ORDER BY c.due_at, c.catch_up_no LIMIT p_limit)
LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.due_catch_ups IS
    'Minions that are to be caught up now, so many at the most: the caller finds out which of them it can tell. Definer: tables '
    'are private.';
