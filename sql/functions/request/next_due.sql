CREATE OR REPLACE FUNCTION approval.next_due() RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT least(
    (SELECT min(least(r.expires_at, (
        SELECT s.started_at + s.timeout FROM approval.request_stage AS s
        WHERE s.request_id = r.request_id AND s.satisfied_at IS NULL ORDER BY s.stage_no LIMIT 1)))
     FROM approval.request AS r WHERE r.state = 'pending'),
    (SELECT min(i.expires_at) FROM approval.item AS i WHERE i.state = 'approved' AND i.expires_at IS NOT NULL))
$$;
COMMENT ON FUNCTION approval.next_due IS
    'When expire_due has something to do next, as far as is known now; NULL: never. Definer: tables are private.';
