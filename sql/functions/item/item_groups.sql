CREATE OR REPLACE FUNCTION approval.item_groups(
    p_request_id bigint, p_version integer, p_by_content boolean, p_is_covered boolean, p_limit integer)
    RETURNS TABLE (minions bigint, first_minion text, last_minion text, group_count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known bigint := (SELECT s.group_count FROM approval.item_set AS s
                     WHERE s.request_id = p_request_id AND s.item_set_version = p_version AND p_by_content
                         AND p_is_covered = (s.salt IS NOT NULL));
BEGIN
    IF known IS NOT NULL THEN
        RETURN QUERY
        SELECT g.minions, g.first_minion, g.last_minion, known FROM approval.item_group AS g
        WHERE g.request_id = p_request_id AND g.item_set_version = p_version ORDER BY g.group_no LIMIT p_limit;
    ELSE
        RETURN QUERY
        SELECT a.minions, a.first_minion, a.last_minion, count(*) OVER ()
        FROM (SELECT array_agg(i.minion_id) AS minions, array_agg(i.kind) AS kinds, array_agg(i.name) AS names,
                  array_agg(i.type) AS types, array_agg(CASE WHEN NOT p_by_content THEN ''
                      WHEN p_is_covered THEN approval.covered_content(i.kind, i.name, i.content) ELSE i.content END) AS contents
              FROM approval.item AS i WHERE i.request_id = p_request_id AND i.item_set_version = p_version) AS asked,
            approval.alike_minions(asked.minions, asked.kinds, asked.names, asked.types, asked.contents) AS a
        ORDER BY a.minions DESC, a.first_minion LIMIT p_limit;
    END IF;
END
$$;
COMMENT ON FUNCTION approval.item_groups IS
    'Internal: the groups of minions of which one version of a request asks exactly the same, the largest first: how many '
    'minions, the first and the last of them; group_count: how many groups there are. Of a large set the first hundred are kept. '
    'p_by_content: false for somebody who may not read values, as it says something of them which are alike: then the same kinds, '
    'names and types make a group. p_is_covered: it asks for something sensitive, which makes no difference either.';
