CREATE OR REPLACE FUNCTION approval.awaited_minions(p_request_id bigint, p_limit integer) RETURNS SETOF text
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT DISTINCT s.minion_id FROM approval.dispatchable(p_request_id, NULL, NULL, clock_timestamp()) AS s
LEFT JOIN approval.dispatch AS d USING (minion_id, item_id)
WHERE s.readiness IN ('now', 'ping') AND (d.state IS NULL OR d.state = 'observed')
LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.awaited_minions IS
    'Minions on which something of a request is to be done now, so many at the most: the caller finds out which of them it can '
    'tell. Definer: tables are private.';
