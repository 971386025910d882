CREATE OR REPLACE FUNCTION approval.count_items(p_request_id bigint, p_version integer)
    RETURNS TABLE (state text, outcome text, items bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM approval.item_set AS s
               WHERE s.request_id = p_request_id AND s.item_set_version = p_version AND s.group_count IS NOT NULL) THEN
        RETURN QUERY
        SELECT t.state, t.outcome, sum(t.items)::bigint FROM approval.item_tally AS t
        WHERE t.request_id = p_request_id AND t.item_set_version = p_version
        GROUP BY t.state, t.outcome HAVING sum(t.items) <> 0;
    ELSE
        RETURN QUERY
        SELECT i.state, i.outcome, count(*) FROM approval.item AS i
        WHERE i.request_id = p_request_id AND i.item_set_version = p_version
        GROUP BY i.state, i.outcome;
    END IF;
END
$$;
COMMENT ON FUNCTION approval.count_items IS
    'Internal: how many items of one version of a request have which state and outcome; of a large set from its tally.';
