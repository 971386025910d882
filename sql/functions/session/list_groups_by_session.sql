CREATE OR REPLACE FUNCTION approval.list_groups_by_session(p_token bytea)
    RETURNS TABLE (minion_group text, title text, minions bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    readable text[];
BEGIN
    actor := approval.acting_by_session(p_token);
    readable := approval.readable_groups(approval.reading_as(actor.principal_id), 'requests');
    IF readable IS NULL THEN
        -- These numbers are kept; to count the members of each would take as long as all groups are large.
        RETURN QUERY
        SELECT g.group_name, g.title, coalesce(s.minions, 0)
        FROM approval.minion_group AS g
        LEFT JOIN (SELECT c.minion_group, sum(c.minions)::bigint AS minions FROM approval.count_standings() AS c GROUP BY 1) AS s
            ON s.minion_group = g.group_name
        ORDER BY g.group_name;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT g.group_name, g.title, s.minions
    FROM approval.minion_group AS g
    CROSS JOIN LATERAL (
        SELECT count(*) AS minions FROM approval.minion_group_member AS m JOIN approval.minion AS k USING (minion_id)
        WHERE m.group_name = g.group_name AND k.removed_at IS NULL AND approval.in_groups(m.minion_id, readable)) AS s
    WHERE s.minions > 0
    ORDER BY g.group_name;
END
$$;
COMMENT ON FUNCTION approval.list_groups_by_session IS
    'The groups of minions, and how many minions of each, without removed ones, a person with a session may read. Raises AP001, '
    'AP002, AP020, AP021. Definer: tables are private.';
