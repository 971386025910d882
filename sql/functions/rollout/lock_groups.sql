CREATE OR REPLACE FUNCTION approval.lock_groups(p_minions text[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    locked integer;
BEGIN
    -- In one order, so that two engines wait for each other instead of deadlocking.
    PERFORM FROM approval.minion_group AS g
    WHERE g.at_once IS NOT NULL AND EXISTS (
        SELECT FROM approval.minion_group_member AS m WHERE m.group_name = g.group_name AND m.minion_id = ANY (p_minions))
    ORDER BY g.group_name FOR NO KEY UPDATE;
    GET DIAGNOSTICS locked = ROW_COUNT;
    RETURN locked;
END
$$;
COMMENT ON FUNCTION approval.lock_groups IS
    'Locks the groups with at_once that these minions are of, until the transaction ends, before anything is begun on them, so '
    'that of two engines the second sees what the first has begun. Gives how many. Definer: tables are private.';
