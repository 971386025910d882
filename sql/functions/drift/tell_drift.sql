CREATE OR REPLACE FUNCTION approval.tell_drift(p_before jsonb, p_after jsonb, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most constant integer := 20;
    minion record;
BEGIN
    FOR minion IN
        SELECT id, coalesce(p_before -> id, '{}') AS was, coalesce(p_after -> id, '{}') AS is_now
        FROM (SELECT jsonb_object_keys(p_before || p_after) AS id) AS every
        WHERE p_before -> id IS DISTINCT FROM p_after -> id ORDER BY id COLLATE "C"
    LOOP
        PERFORM approval.post_notice('drift', 'drift/' || minion.id, NULL, jsonb_build_object(
            'minion', minion.id,
            'act', CASE WHEN minion.was = '{}' THEN 'began' WHEN minion.is_now = '{}' THEN 'ended' ELSE 'changed' END,
            'count', (SELECT count(*) FROM jsonb_object_keys(minion.is_now)),
            'found', (
                SELECT coalesce(jsonb_agg(f.value ORDER BY f.key COLLATE "C"), '[]')
                FROM (SELECT * FROM jsonb_each(minion.is_now) AS e WHERE e.value IS DISTINCT FROM minion.was -> e.key
                      ORDER BY e.key COLLATE "C" LIMIT most) AS f),
            'restored', (
                SELECT coalesce(jsonb_agg(r.value ORDER BY r.key COLLATE "C"), '[]')
                FROM (SELECT * FROM jsonb_each(minion.was) AS e WHERE NOT minion.is_now ? e.key
                      ORDER BY e.key COLLATE "C" LIMIT most) AS r)), p_now);
    END LOOP;
END
$$;
COMMENT ON FUNCTION approval.tell_drift IS
    'Internal: tells those whom routes of topic drift lead to of each minion whose drift is another than before, as open_drift has '
    'it, in thread drift/MINION: {minion, act: began, changed or ended, count, found, restored}; of long lists the first 20.';
