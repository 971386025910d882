CREATE OR REPLACE FUNCTION approval.note_silence(p_within interval) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    many constant integer := 1000;
    moment timestamptz := now();
    seen_until timestamptz;
    asked record;
    looked_at integer := 0;
    before text[];
BEGIN
    IF p_within IS NULL OR p_within < interval '1 minute' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP016', MESSAGE = 'minions must have a minute to return at the least';
    END IF;
    SELECT m.published_at INTO seen_until FROM approval.silence_mark AS m FOR UPDATE SKIP LOCKED;
    IF seen_until IS NULL THEN
        RETURN 0;
    END IF;
    before := ARRAY(SELECT s.minion_id FROM approval.silence AS s);
    FOR asked IN
        SELECT j.jid, j.fun, j.minions, j.published_at FROM approval.job AS j
        WHERE NOT j.claimed AND (j.fun LIKE 'state.%' OR j.fun = 'approval.observe')
            AND j.published_at > seen_until AND j.published_at <= moment - p_within
        ORDER BY j.published_at, j.jid
        LIMIT many
    LOOP
        WITH answered AS (
            -- A check is answered by evidence; anything else says why there is none.
            SELECT DISTINCT r.minion_id FROM approval.job_return AS r
            WHERE r.jid = asked.jid AND r.minion_id = ANY (asked.minions) AND (r.authenticated OR asked.fun <> 'approval.observe')
        ), heard AS (
            DELETE FROM approval.silence AS s USING answered AS a WHERE s.minion_id = a.minion_id
                AND s.asked_at <= asked.published_at
        )
        INSERT INTO approval.silence AS s (minion_id, since, jid, fun, asked_at, missed)
        SELECT m.minion_id, asked.published_at, asked.jid, asked.fun, asked.published_at, 1
        FROM approval.minion AS m
        WHERE m.minion_id = ANY (asked.minions) AND m.removed_at IS NULL
            AND m.minion_id NOT IN (SELECT a.minion_id FROM answered AS a)
            -- One that has proven itself since is there.
            AND NOT EXISTS (SELECT FROM approval.job_return AS r
                            WHERE r.minion_id = m.minion_id AND r.authenticated AND r.received_at > asked.published_at)
        ORDER BY m.minion_id COLLATE "C"
        ON CONFLICT (minion_id) DO UPDATE
        SET jid = excluded.jid, fun = excluded.fun, asked_at = excluded.asked_at, missed = s.missed + 1;
        seen_until := asked.published_at;
        looked_at := looked_at + 1;
    END LOOP;
    IF looked_at > 0 THEN
        UPDATE approval.silence_mark SET published_at = seen_until;
        -- At the end, so that each is told once, and all in one order.
        PERFORM approval.tell_silence(ARRAY(
            SELECT coalesce(b.minion_id, s.minion_id)
            FROM unnest(before) AS b (minion_id) FULL JOIN approval.silence AS s ON s.minion_id = b.minion_id
            WHERE b.minion_id IS NULL OR s.minion_id IS NULL), moment);
    END IF;
    RETURN looked_at;
END
$$;
COMMENT ON FUNCTION approval.note_silence IS
    'Looks, once, at each published state run or check that is older than the given time, and notes which of its minions have not '
    'returned, or have not returned evidence from a check; gives how many runs were looked at. Silence is a finding (no-return) '
    'and no verdict: a minion that runs longer clears it by returning. Routes of topic drift are told of both. Definer: '
    'tables are private.';
