CREATE OR REPLACE FUNCTION approval.knows_the_end(p_site text, p_request_id bigint, p_seen_at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT r.state NOT IN ('pending', 'approved') AND NOT EXISTS (
    SELECT FROM approval.outbox AS o
    WHERE o.destination = p_site AND o.thread = 'request/' || p_request_id
        AND (o.state <> 'delivered' OR o.delivered_at >= p_seen_at))
FROM approval.request AS r WHERE r.request_id = p_request_id
$$;
COMMENT ON FUNCTION approval.knows_the_end IS
    'Internal: whether a request has come to an end, or failed, and its ticket, as it was seen at p_seen_at, had been told so: '
    'only then what it asks for is asked anew.';
