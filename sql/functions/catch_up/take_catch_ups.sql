CREATE OR REPLACE FUNCTION approval.take_catch_ups(p_minions text[], p_at_once integer, p_observe_jid text, p_jid text)
    RETURNS TABLE (minion_id text, step text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- This many more than there is room for are looked at, to put away those that are no longer behind.
    more constant integer := 100;
    moment timestamptz;
    free bigint;
    candidates text[];
    one record;
    due approval.catch_up;
    new_cause text;
BEGIN
    IF p_at_once IS NULL OR p_at_once < 1 OR p_jid IS NULL OR p_observe_jid IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP016', MESSAGE = 'to catch minions up takes two jobs, and a number of minions at a time';
    END IF;
    -- The masters count what is under way together, one after the other.
    PERFORM pg_advisory_xact_lock(hashtextextended('approval.catch_up', 0));
    IF EXISTS (SELECT FROM approval.sending_pause) THEN
        RETURN;
    END IF;
    PERFORM approval.lock_groups(p_minions);
    moment := clock_timestamp();
    SELECT p_at_once - count(*) INTO free FROM approval.catch_up AS c WHERE c.state IN ('asked', 'answered', 'sending', 'sent');
    candidates := ARRAY(
        SELECT c.minion_id FROM approval.catch_up AS c JOIN unnest(p_minions) AS reachable ON reachable = c.minion_id
        WHERE c.state = 'answered' OR (c.state = 'waiting' AND c.due_at <= moment AND free > 0)
        ORDER BY c.state = 'waiting', c.due_at, c.catch_up_no
        LIMIT greatest(free, 0) + more);
    FOR one IN
        SELECT c AS due, lag.due_at, lag.revision, lag.reinstall_no
        FROM approval.catch_up AS c LEFT JOIN approval.behind(candidates, moment) AS lag ON lag.minion_id = c.minion_id
        WHERE c.minion_id = ANY (candidates) AND c.state IN ('answered', 'waiting')
        ORDER BY c.state = 'waiting', c.due_at, c.catch_up_no
    LOOP
        due := one.due;
        EXIT WHEN due.state = 'waiting' AND free <= 0;
        IF one.revision IS NULL THEN
            PERFORM approval.end_catch_up(due, 'in-line', moment);
            CONTINUE;
        END IF;
        IF EXISTS (SELECT FROM approval.dispatch AS d
                   WHERE d.minion_id = due.minion_id AND d.proof = 'state' AND d.jid IS NOT NULL
                       AND coalesce(d.sent_at, d.state_at) > due.started_at) THEN
            PERFORM approval.end_catch_up(due, 'dispatched', moment);
            CONTINUE;
        END IF;
        IF one.due_at > moment THEN
            UPDATE approval.catch_up AS c
            SET state = 'waiting', state_at = moment, due_at = one.due_at, observe_jid = NULL, cause = NULL
            WHERE c.minion_id = due.minion_id AND c.catch_up_no = due.catch_up_no;
            CONTINUE;
        END IF;
        -- One that is reinstalled may lack the function by which it would be asked.
        new_cause := coalesce(due.cause, 'reinstall ' || one.reinstall_no);
        IF EXISTS (SELECT FROM approval.catch_up AS c WHERE c.minion_id = due.minion_id AND c.revision = one.revision
                       AND c.cause = new_cause AND c.jid IS NOT NULL) THEN
            IF due.state = 'answered' THEN
                PERFORM approval.end_catch_up(due, 'repeated', moment);
                CONTINUE;
            END IF;
            new_cause := NULL;
        END IF;
        -- It keeps its turn until others of its group are done.
        CONTINUE WHEN new_cause IS NOT NULL AND approval.full_group(due.minion_id, moment) IS NOT NULL;
        IF new_cause IS NULL THEN
            step := 'observe';
            UPDATE approval.catch_up AS c SET state = 'asked', state_at = moment, observe_jid = p_observe_jid
            WHERE c.minion_id = due.minion_id AND c.catch_up_no = due.catch_up_no;
        ELSE
            step := 'apply';
            UPDATE approval.catch_up AS c
            SET state = 'sending', state_at = moment, cause = new_cause, revision = one.revision, jid = p_jid
            WHERE c.minion_id = due.minion_id AND c.catch_up_no = due.catch_up_no;
        END IF;
        IF due.state = 'waiting' THEN
            free := free - 1;
        END IF;
        minion_id := due.minion_id;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION approval.take_catch_ups IS
    'Takes what is to be done now to catch up those of these minions whose turn it is, so that not more than p_at_once are at it, '
    'for all masters together, nor more of a group than its at_once: observe, by the job p_observe_jid (whether it is there, and '
    'in which boot), or apply, by p_jid. Both are written before they are published; see note_catch_ups. Those that are no longer '
    'behind are put away. Raises AP016. Definer: tables are private.';
