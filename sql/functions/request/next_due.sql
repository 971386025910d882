CREATE OR REPLACE FUNCTION approval.next_due() RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT least(
    (SELECT min(least(r.expires_at, s.started_at + s.timeout))
     FROM approval.request AS r LEFT JOIN LATERAL approval.current_stage(r.request_id) AS s ON true
     WHERE r.state = 'pending'),
    (SELECT min(i.expires_at) FROM approval.item AS i WHERE i.state = 'approved' AND i.expires_at IS NOT NULL))
$$;
COMMENT ON FUNCTION approval.next_due IS
    'When expire_due has something to do next, as far as is known now; NULL: never. Definer: tables are private.';
