CREATE OR REPLACE FUNCTION approval.list_groups_by_session(p_token bytea)
    RETURNS TABLE (minion_group text, title text, minions bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.acting_by_session(p_token);
    RETURN QUERY
    SELECT g.group_name, g.title, (SELECT count(*) FROM approval.minion_group_member AS m WHERE m.group_name = g.group_name)
    FROM approval.minion_group AS g
    ORDER BY g.group_name;
END
$$;
COMMENT ON FUNCTION approval.list_groups_by_session IS
    'The groups of minions, for a person with a session. Raises AP001, AP002, AP020, AP021. Definer: tables are private.';
