CREATE OR REPLACE FUNCTION approval.tell_silence(p_minions text[], p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Where more fall silent at once a network is away, and no minion; and each takes a lock until the transaction ends.
    most constant integer := 1000;
    one text;
BEGIN
    IF NOT EXISTS (SELECT FROM approval.route AS r WHERE r.topic = 'drift') THEN
        RETURN;
    END IF;
    FOR one IN
        SELECT m.minion_id FROM unnest(p_minions) AS m (minion_id) ORDER BY m.minion_id COLLATE "C" LIMIT most
    LOOP
        PERFORM approval.post_notice('drift', 'drift/' || one, NULL, jsonb_build_object(
            'minion', one,
            'act', CASE WHEN EXISTS (SELECT FROM approval.silence AS s WHERE s.minion_id = one) THEN 'silent' ELSE 'heard' END,
            'count', (SELECT count(*) FROM approval.drift AS d WHERE d.minion_id = one AND d.cleared_at IS NULL),
            'found', '[]'::jsonb, 'restored', '[]'::jsonb), p_now);
    END LOOP;
END
$$;
COMMENT ON FUNCTION approval.tell_silence IS
    'Internal: tells those whom routes of topic drift lead to of minions that are silent now and were not, or the other way round, '
    'in thread drift/MINION: as tell_drift does, where act is silent or heard; of the first 1,000.';
