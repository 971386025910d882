CREATE OR REPLACE FUNCTION approval.note_starts(p_minions text[], p_after interval) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Everybody on the master's bus can say that a minion started: it is not asked more often than that.
    pause constant interval := interval '5 minutes';
    -- Several masters may tell of one start, one after the other.
    same constant interval := interval '10 seconds';
    moment timestamptz := clock_timestamp();
    noted integer;
BEGIN
    IF p_after IS NULL OR p_after < interval '0' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP016', MESSAGE = 'the time after a start cannot be less than nothing';
    END IF;
    INSERT INTO approval.catch_up AS c (minion_id, state, state_at, started_at, due_at)
    SELECT b.minion_id, 'waiting', moment, moment, greatest(b.due_at, moment + p_after, pause + (
        SELECT max(before.state_at) FROM approval.catch_up AS before
        WHERE before.minion_id = b.minion_id
            -- An operator accepted the new key of one that is reinstalled: the first time it is not asked.
            AND (b.reinstall_no IS NULL OR EXISTS (
                SELECT FROM approval.catch_up AS run
                WHERE run.minion_id = b.minion_id AND run.cause = 'reinstall ' || b.reinstall_no AND run.jid IS NOT NULL))))
    FROM approval.behind(p_minions, moment) AS b
    ORDER BY b.minion_id COLLATE "C"
    -- One that starts again while its job is under way may have lost it.
    ON CONFLICT (minion_id) WHERE state <> 'ended' DO UPDATE SET started_at = moment
    WHERE c.state <> 'waiting' AND c.state_at < moment - same;
    GET DIAGNOSTICS noted = ROW_COUNT;
    RETURN noted;
END
$$;
COMMENT ON FUNCTION approval.note_starts IS
    'Minions with accepted keys were said to have started: those that are behind what is approved for them are to be caught up, '
    'p_after from now at the soonest, and five minutes after the last time. Gives how many changed. Raises AP016. Definer: tables '
    'are private.';
