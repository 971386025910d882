CREATE OR REPLACE FUNCTION approval.compliance_by_session(p_token bytea)
    RETURNS TABLE (minion_group text, standing text, minions bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT c.minion_group, c.standing, c.minions FROM approval.acting_by_session(p_token, 'read') AS actor
CROSS JOIN LATERAL approval.count_standings(
    approval.readable_groups(approval.reading_as(actor.principal_id), 'requests')) AS c
$$;
COMMENT ON FUNCTION approval.compliance_by_session IS
    'How many minions of each group, and (minion_group NULL) of all, stand how to what is approved for them, for a person with a '
    'session, of those that they may read: see view standing. Raises AP001, AP002, AP020-AP022. Definer: tables are private.';
