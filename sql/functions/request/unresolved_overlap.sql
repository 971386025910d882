CREATE OR REPLACE FUNCTION approval.unresolved_overlap(p_request_id bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT format('it %s request %s (%s)', CASE o.resolution WHEN 'wait' THEN 'waits for' ELSE 'contradicts' END, o.other_id, o.example)
FROM approval.request_overlap AS o
JOIN approval.request AS other ON other.request_id = o.other_id
WHERE o.request_id = p_request_id AND o.resolution IS DISTINCT FROM 'supersede'
    AND (other.state = 'pending' OR EXISTS (
        SELECT FROM approval.item AS i
        WHERE i.request_id = other.request_id AND i.state = 'approved' AND i.outcome = 'waiting'
            AND i.effective_at > clock_timestamp())
        -- In force under another name: who asked has to say that it is known.
        OR o.resolution IS NULL AND EXISTS (
            SELECT FROM approval.item AS mine
            JOIN approval.item AS i ON i.minion_id = mine.minion_id AND i.kind = mine.kind
                AND approval.resource_key(i.kind, i.name) = approval.resource_key(mine.kind, mine.name)
            WHERE mine.request_id = p_request_id AND mine.state = 'proposed' AND i.request_id = other.request_id
                AND i.state = 'approved'
                AND i.name <> mine.name AND i.content IS DISTINCT FROM mine.content
                AND approval.may_be_one(i.kind, i.name, mine.name)))
ORDER BY o.resolution NULLS FIRST, o.other_id
LIMIT 1
$$;
COMMENT ON FUNCTION approval.unresolved_overlap IS
    'Internal: why a request cannot be approved yet on account of another that it contradicts; NULL: it can.';
