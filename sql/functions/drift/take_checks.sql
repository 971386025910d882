CREATE OR REPLACE FUNCTION approval.take_checks(p_minions text[], p_every interval, p_limit integer)
    RETURNS TABLE (minions text[], checked bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Planned for the array that is given: whole tables are hashed for all minions, and not each one looked up.
    SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    IF p_every IS NULL OR p_every < interval '1 minute' OR p_limit IS NULL OR p_limit < 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP016',
            MESSAGE = 'checks need a minute between them at the least, and a number of minions at a time';
    END IF;
    RETURN QUERY
    WITH held AS (
        SELECT d.minion_id, c.asked_at
        FROM approval.document_in_force(now()) AS d
        LEFT JOIN approval.minion_check AS c ON c.minion_id = d.minion_id
        WHERE d.minion_id = ANY (p_minions) AND cardinality(d.item_ids) > 0
    ), due AS (
        SELECT h.minion_id FROM held AS h
        WHERE h.asked_at IS NULL OR h.asked_at <= now() - p_every
        ORDER BY h.asked_at NULLS FIRST, h.minion_id COLLATE "C"
        LIMIT p_limit
    ), claimed AS (
        INSERT INTO approval.minion_check AS c (minion_id, asked_at)
        SELECT u.minion_id, now() FROM due AS u ORDER BY u.minion_id COLLATE "C"
        -- Another master may have been faster.
        ON CONFLICT (minion_id) DO UPDATE SET asked_at = excluded.asked_at WHERE c.asked_at <= now() - p_every
        RETURNING c.minion_id
    )
    SELECT (SELECT coalesce(array_agg(c.minion_id ORDER BY c.minion_id COLLATE "C"), '{}') FROM claimed AS c),
        (SELECT count(*) FROM held);
END
$$;
COMMENT ON FUNCTION approval.take_checks IS
    'Takes those of the given minions, a limited number, that something is approved for and that were not told for so long to read '
    'what is there: the caller tells them. Also gives how many of the given ones there are to be told. Definer: tables are '
    'private.';
