CREATE OR REPLACE FUNCTION approval.list_group_by_session(p_token bytea, p_group text) RETURNS TABLE (minion_id text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.acting_by_session(p_token);
    IF NOT EXISTS (SELECT FROM approval.minion_group AS g WHERE g.group_name = p_group) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('there is no group of minions %s', quote_nullable(p_group));
    END IF;
    RETURN QUERY
    SELECT m.minion_id FROM approval.minion_group_member AS g JOIN approval.minion AS m USING (minion_id)
    WHERE g.group_name = p_group AND m.removed_at IS NULL
    ORDER BY m.minion_id COLLATE "C";
END
$$;
COMMENT ON FUNCTION approval.list_group_by_session IS
    'The minions of a group without removed ones, for a person with a session. Raises AP001, AP002, AP004, AP020, AP021. Definer: '
    'tables are private.';
