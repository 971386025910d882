CREATE OR REPLACE FUNCTION approval.compliance_by_session(p_token bytea)
    RETURNS TABLE (minion_group text, standing text, minions bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.acting_by_session(p_token, 'read');
    -- Where each minion stands is found out once.
    RETURN QUERY
    WITH stands AS MATERIALIZED (
        SELECT s.minion_id, s.standing FROM approval.standing AS s
    )
    SELECT NULL, s.standing, count(*) FROM stands AS s GROUP BY s.standing
    UNION ALL
    SELECT g.group_name, s.standing, count(*)
    FROM stands AS s JOIN approval.minion_group_member AS g USING (minion_id)
    GROUP BY g.group_name, s.standing;
END
$$;
COMMENT ON FUNCTION approval.compliance_by_session IS
    'How many minions of each group, and (minion_group NULL) of all, stand how to what is approved for them, for a person '
    'with a session: see view standing. Raises AP001, AP002, AP020-AP022. Definer: tables are private.';
