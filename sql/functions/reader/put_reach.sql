CREATE OR REPLACE FUNCTION approval.put_reach(p_request_id bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    -- Planned for what is asked: one request, or all.
    SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    DELETE FROM approval.request_reach AS r WHERE p_request_id IS NULL OR r.request_id = p_request_id;
    IF EXISTS (SELECT FROM approval.reader AS r WHERE r.minion_group IS NOT NULL) THEN
        INSERT INTO approval.request_reach (request_id, minion_groups, minions)
        SELECT n.request_id, coalesce(g.minion_groups, '{}'), count(*)
        FROM (SELECT DISTINCT i.request_id, i.minion_id FROM approval.item AS i
              WHERE p_request_id IS NULL OR i.request_id = p_request_id) AS n
        LEFT JOIN approval.read_groups() AS g USING (minion_id)
        GROUP BY 1, 2;
    END IF;
END
$$;
COMMENT ON FUNCTION approval.put_reach IS
    'Internal: makes the rows of table request_reach anew, of a request or (NULL) of all. The caller holds the lock of '
    'lock_reach.';
