CREATE OR REPLACE FUNCTION approval.ask_people(p_limit integer DEFAULT 100) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    due record;
    person record;
    looked integer := 0;
    next_look timestamptz;
    reminder_at timestamptz;
    last_call_at timestamptz;
    act text;
BEGIN
    FOR due IN
        SELECT d.request_id FROM approval.ask_due AS d WHERE d.look_at <= moment
        ORDER BY d.look_at LIMIT p_limit FOR UPDATE SKIP LOCKED
    LOOP
        looked := looked + 1;
        next_look := 'infinity';
        FOR person IN
            DELETE FROM approval.asked AS a USING approval.principal AS p
            WHERE a.request_id = due.request_id AND p.principal_id = a.principal_id AND NOT EXISTS (
                SELECT FROM approval.asked_people(due.request_id) AS now_asked
                WHERE now_asked.principal = p.name AND now_asked.channel = a.channel)
            RETURNING p.name AS principal, a.channel, a.stage_no
        LOOP
            PERFORM approval.post_message(
                'chat-' || person.channel, 'ask', format('ask/%s/%s', due.request_id, person.principal), NULL,
                jsonb_build_object(
                    'request', due.request_id, 'act', 'over', 'principal', person.principal, 'stage', person.stage_no,
                    'state', (SELECT r.state FROM approval.request AS r WHERE r.request_id = due.request_id)), moment);
        END LOOP;
        FOR person IN
            SELECT n.*, p.principal_id, a.stage_no AS asked_stage, a.digest AS asked_digest, a.reminders, s.started_at
            FROM approval.asked_people(due.request_id) AS n
            JOIN approval.principal AS p ON p.name = n.principal
            JOIN approval.request_stage AS s ON s.request_id = due.request_id AND s.stage_no = n.stage
            LEFT JOIN approval.asked AS a
                ON a.request_id = due.request_id AND a.principal_id = p.principal_id AND a.channel = n.channel
        LOOP
            -- Half of the time is over, and nine tenths of it are.
            reminder_at := person.started_at + (person.until - person.started_at) / 2;
            last_call_at := person.until - (person.until - person.started_at) / 10;
            act := CASE
                WHEN (person.asked_stage, person.asked_digest) IS DISTINCT FROM (person.stage, person.digest) THEN 'asked'
                WHEN person.reminders < 2 AND last_call_at <= moment THEN 'last-call'
                WHEN person.reminders < 1 AND reminder_at <= moment THEN 'reminder' END;
            IF act IS NOT NULL THEN
                PERFORM approval.post_message(
                    'chat-' || person.channel, 'ask', format('ask/%s/%s', due.request_id, person.principal), NULL,
                    jsonb_build_object(
                        'request', due.request_id, 'act', act, 'principal', person.principal, 'address', person.address,
                        'why', person.why, 'in_stead_of', person.in_stead_of, 'stage', person.stage,
                        'stage_name', person.stage_name, 'until', person.until, 'until_what', person.until_what,
                        'digest', person.digest, 'assurance_needed', person.assurance_needed), moment);
                INSERT INTO approval.asked AS a
                VALUES (due.request_id, person.principal_id, person.channel, person.stage, person.digest,
                    CASE WHEN last_call_at <= moment THEN 2 WHEN reminder_at <= moment THEN 1 ELSE 0 END)
                ON CONFLICT (request_id, principal_id, channel) DO UPDATE
                SET stage_no = excluded.stage_no, digest = excluded.digest, reminders = excluded.reminders;
            END IF;
            next_look := least(next_look, CASE WHEN reminder_at > moment THEN reminder_at WHEN last_call_at > moment
                THEN last_call_at ELSE person.until END);
        END LOOP;
        -- A delegation, a new member or the end of a mute is seen within the hour.
        IF EXISTS (SELECT FROM approval.request AS r WHERE r.request_id = due.request_id AND r.state = 'pending') THEN
            UPDATE approval.ask_due AS d
            SET look_at = greatest(least(next_look, moment + interval '1 hour'), moment + interval '1 second')
            WHERE d.request_id = due.request_id;
        ELSE
            DELETE FROM approval.ask_due AS d WHERE d.request_id = due.request_id;
        END IF;
    END LOOP;
    RETURN looked;
END
$$;
COMMENT ON FUNCTION approval.ask_people IS
    'Tells those who can decide, each by a thread ask/N/PRINCIPAL to their channel (topic ask): asked, when a stage opens or what '
    'is asked for was amended; reminder, when half of the time for it is over, and last-call, when nine tenths are; over, when it '
    'waits for them no more. Looks at requests on which something was done since, at most so many, and at each hourly. Gives how '
    'many were looked at. Definer: tables are private.';
