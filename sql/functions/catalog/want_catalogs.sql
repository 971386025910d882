CREATE OR REPLACE FUNCTION approval.want_catalogs(p_minions text[], p_not_since interval DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted integer;
    unknown text;
BEGIN
    SELECT string_agg(quote_nullable(u.minion_id), ', ') INTO unknown
    FROM (SELECT * FROM approval.unknown_minions(p_minions) AS every (minion_id) ORDER BY 1 LIMIT 5) AS u;
    IF unknown IS NOT NULL AND p_not_since IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('unknown minion: %s', unknown),
            HINT = 'Name minions that are known; salt-approval minion list has them.';
    END IF;
    INSERT INTO approval.catalog_ask AS a (minion_id, wanted_at)
    SELECT m.minion_id, clock_timestamp() FROM approval.minion AS m
    WHERE m.removed_at IS NULL AND (p_minions IS NULL OR m.minion_id = ANY (p_minions))
    ORDER BY m.minion_id COLLATE "C"
    ON CONFLICT (minion_id) DO UPDATE SET wanted_at = excluded.wanted_at
    WHERE p_not_since IS NULL OR a.asked_at IS NULL OR a.asked_at <= now() - p_not_since;
    GET DIAGNOSTICS wanted = ROW_COUNT;
    IF wanted > 0 THEN
        NOTIFY approval_inventory;
    END IF;
    RETURN wanted;
END
$$;
COMMENT ON FUNCTION approval.want_catalogs IS
    'Has these minions, or (NULL) all, asked out of turn which packages they could get; p_not_since: but not those asked within '
    'that time, and unknown ones are passed over. Gives how many. Raises AP004. Definer: tables are private.';
