CREATE OR REPLACE FUNCTION approval.settle_catch_ups() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A return without evidence counts if none with it came by then: anybody may have sent it.
    patience constant interval := interval '10 seconds';
    answer_within constant interval := interval '2 minutes';
    return_within constant interval := interval '15 minutes';
    -- Longer than a publication may take, and its way into the job cache.
    doubt constant interval := interval '5 minutes';
    kept constant interval := interval '30 days';
    moment timestamptz;
    one record;
    late approval.catch_up;
    settled integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('approval.catch_up', 0));
    moment := clock_timestamp();
    FOR one IN
        SELECT c AS held, answer.boot, answer.jid IS NOT NULL AS is_answered, known.jid IS NOT NULL AS is_known
        FROM approval.catch_up AS c
        -- One by one by their keys: nobody wants all returns read.
        LEFT JOIN LATERAL (
            SELECT r.jid, CASE WHEN r.authenticated THEN r.boot_id END AS boot FROM approval.job_return AS r
            WHERE r.jid = CASE WHEN c.state = 'asked' THEN c.observe_jid ELSE c.jid END AND r.minion_id = c.minion_id
            ORDER BY r.authenticated DESC, r.attempt LIMIT 1) AS answer ON true
        LEFT JOIN LATERAL (SELECT j.jid FROM approval.job AS j WHERE j.jid = c.jid LIMIT 1) AS known ON c.state = 'sending'
        WHERE c.state IN ('asked', 'answered', 'sending', 'sent')
    LOOP
        IF (one.held).state = 'asked' AND one.is_answered
            AND (one.boot IS NOT NULL OR (one.held).state_at <= moment - patience) THEN
            UPDATE approval.catch_up AS c
            SET state = 'answered', state_at = moment, cause = 'boot ' || coalesce(one.boot, 'unknown')
            WHERE c.minion_id = (one.held).minion_id AND c.catch_up_no = (one.held).catch_up_no;
        ELSIF (one.held).state = 'asked' AND (one.held).state_at <= moment - answer_within THEN
            PERFORM approval.end_catch_up(one.held, 'absent', moment);
        ELSIF (one.held).state = 'sent' AND one.is_answered THEN
            PERFORM approval.end_catch_up(one.held, 'returned', moment);
        ELSIF (one.held).state = 'sent' AND (one.held).state_at <= moment - return_within THEN
            PERFORM approval.end_catch_up(one.held, 'silent', moment);
        ELSIF (one.held).state = 'sending' AND (one.is_known OR one.is_answered) AND (one.held).state_at <= moment - doubt THEN
            PERFORM approval.note_catch_ups((one.held).jid, ARRAY[(one.held).minion_id]);
        ELSIF (one.held).state IN ('answered', 'sending') AND (one.held).state_at <= moment - doubt THEN
            -- The engine ended in between, and surely did not publish it.
            UPDATE approval.catch_up AS c
            SET state = 'waiting', state_at = moment, due_at = moment, observe_jid = NULL, cause = NULL, revision = NULL, jid = NULL
            WHERE c.minion_id = (one.held).minion_id AND c.catch_up_no = (one.held).catch_up_no;
        ELSE
            CONTINUE;
        END IF;
        settled := settled + 1;
    END LOOP;
    FOR late IN
        SELECT c.* FROM approval.catch_up AS c WHERE c.state = 'waiting' AND c.due_at <= moment - interval '1 day' LIMIT 1000
    LOOP
        PERFORM approval.end_catch_up(late, 'unreached', moment);
        settled := settled + 1;
    END LOOP;
    -- A cause is remembered for as long as its revision is in force.
    DELETE FROM approval.catch_up AS c
    WHERE (c.minion_id, c.catch_up_no) IN (
        SELECT o.minion_id, o.catch_up_no FROM approval.catch_up AS o
        WHERE o.state = 'ended' AND o.state_at <= moment - kept
            AND NOT EXISTS (SELECT FROM approval.document AS d WHERE d.minion_id = o.minion_id AND d.revision = o.revision)
        LIMIT 1000);
    RETURN settled;
END
$$;
COMMENT ON FUNCTION approval.settle_catch_ups IS
    'Does what returns and time bring to minions that are caught up: they proved to be there, returned, or did not in time; and '
    'what an engine that ended had begun. What ended a month ago is forgotten. Gives how many changed. Definer: tables are '
    'private.';
