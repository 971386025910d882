CREATE OR REPLACE FUNCTION approval.open_overlap(p_request_id bigint) RETURNS text
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
SELECT format('it %s request %s (%s)', CASE o.resolution WHEN 'wait' THEN 'waits for' ELSE 'contradicts' END, o.other_id, o.example)
FROM approval.request_overlap AS o
JOIN approval.request AS other ON other.request_id = o.other_id
WHERE o.request_id = p_request_id AND o.resolution IS DISTINCT FROM 'supersede'
    AND (other.state = 'pending' OR EXISTS (
        SELECT FROM approval.item AS i
        WHERE i.request_id = other.request_id AND i.state = 'approved' AND i.outcome = 'waiting' AND i.effective_at > clock_timestamp()))
ORDER BY o.resolution NULLS FIRST, o.other_id
LIMIT 1
$$;
COMMENT ON FUNCTION approval.open_overlap(bigint) IS
    'Internal: why a request cannot be approved yet on account of another that it contradicts; NULL: it can.';
