CREATE OR REPLACE FUNCTION approval.list_groups_by_session(p_token bytea)
    RETURNS TABLE (minion_group text, title text, minions bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    readable text[];
BEGIN
    actor := approval.acting_by_session(p_token);
    readable := approval.readable_groups(approval.reading_as(actor.principal_id), 'requests');
    RETURN QUERY
    SELECT g.group_name, g.title, s.minions
    FROM approval.minion_group AS g
    CROSS JOIN LATERAL (
        SELECT count(*) AS minions FROM approval.minion_group_member AS m
        WHERE m.group_name = g.group_name AND approval.in_groups(m.minion_id, readable)) AS s
    WHERE readable IS NULL OR s.minions > 0
    ORDER BY g.group_name;
END
$$;
COMMENT ON FUNCTION approval.list_groups_by_session IS
    'The groups of minions, and how many minions of each a person with a session may read. Raises AP001, AP002, AP020, AP021. '
    'Definer: tables are private.';
