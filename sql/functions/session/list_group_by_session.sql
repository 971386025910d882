CREATE OR REPLACE FUNCTION approval.list_group_by_session(p_token bytea, p_group text) RETURNS TABLE (minion_id text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    readable text[];
BEGIN
    actor := approval.acting_by_session(p_token);
    readable := approval.readable_groups(approval.reading_as(actor.principal_id), 'requests');
    IF NOT EXISTS (SELECT FROM approval.minion_group AS g WHERE g.group_name = p_group) OR readable IS NOT NULL AND NOT EXISTS (
            SELECT FROM approval.minion_group_member AS m
            WHERE m.group_name = p_group AND approval.in_groups(m.minion_id, readable)) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('there is no group of minions %s', quote_nullable(p_group));
    END IF;
    RETURN QUERY
    SELECT m.minion_id FROM approval.minion_group_member AS g JOIN approval.minion AS m USING (minion_id)
    WHERE g.group_name = p_group AND m.removed_at IS NULL AND approval.in_groups(m.minion_id, readable)
    ORDER BY m.minion_id COLLATE "C";
END
$$;
COMMENT ON FUNCTION approval.list_group_by_session IS
    'The minions of a group without removed ones, for a person with a session; without those that they may not read, and of none '
    'of which they may there is no group. Raises AP001, AP002, AP004, AP020, AP021. Definer: '
    'tables are private.';
