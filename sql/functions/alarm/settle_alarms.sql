CREATE OR REPLACE FUNCTION approval.settle_alarms() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    many constant integer := 1000;
    named constant integer := 100;
    kept constant interval := interval '400 days';
    moment timestamptz := clock_timestamp();
    seen approval.alarm_signal;
    untold approval.alarm;
    matched bigint;
    known text[];
    fresh text[];
    target bigint;
    settled integer := 0;
BEGIN
    -- One at a time, so that no two alarms are made of what is one; who comes second leaves it to the first.
    IF NOT pg_try_advisory_xact_lock(hashtextextended('approval.settle_alarms', 0)) THEN
        RETURN 0;
    END IF;
    PERFORM approval.alarm_of_seal(moment);
    FOR seen IN
        WITH taken AS (
            DELETE FROM approval.alarm_signal AS s
            WHERE s.signal_no IN (SELECT o.signal_no FROM approval.alarm_signal AS o ORDER BY o.signal_no LIMIT many)
            RETURNING *
        )
        SELECT * FROM taken ORDER BY signal_no
    LOOP
        settled := settled + 1;
        -- The same again on a minion that is named is counted. A mute that has ended by then is over, and it is told anew.
        WITH again AS (
            UPDATE approval.alarm AS a
            SET count = a.count + seen.times, last_at = greatest(a.last_at, seen.seen_at),
                told_at = CASE WHEN a.muted_until <= seen.seen_at THEN NULL ELSE a.told_at END,
                decided_by = CASE WHEN a.muted_until <= seen.seen_at THEN NULL ELSE a.decided_by END,
                comment = CASE WHEN a.muted_until <= seen.seen_at THEN NULL ELSE a.comment END,
                muted_until = CASE WHEN a.muted_until <= seen.seen_at THEN NULL ELSE a.muted_until END
            WHERE a.kind = seen.kind AND a.cause = seen.cause AND a.acknowledged_at IS NULL
                AND (a.minions && seen.minions OR a.minions = seen.minions)
            RETURNING a.alarm_id, a.minions
        )
        SELECT count(DISTINCT a.alarm_id), coalesce(array_agg(m.minion_id), '{}') INTO matched, known
        FROM again AS a LEFT JOIN LATERAL unnest(a.minions) AS m (minion_id) ON true;
        fresh := ARRAY(
            SELECT g.minion_id FROM unnest(seen.minions) WITH ORDINALITY AS g (minion_id, place)
            WHERE g.minion_id <> ALL (known) ORDER BY g.place);
        CONTINUE WHEN matched > 0 AND (fresh = '{}' OR seen.minion_count > cardinality(seen.minions));

        SELECT a.alarm_id INTO target FROM approval.alarm AS a
        WHERE a.kind = seen.kind AND a.alike = seen.alike AND a.acknowledged_at IS NULL AND a.muted_until IS NULL
            AND a.first_at BETWEEN seen.seen_at - interval '1 minute' AND seen.seen_at + interval '1 minute'
        ORDER BY a.alarm_id DESC LIMIT 1;
        IF target IS NOT NULL THEN
            UPDATE approval.alarm AS a
            SET minions = (a.minions || ARRAY(SELECT f.minion_id FROM unnest(fresh) AS f (minion_id)
                                              WHERE f.minion_id <> ALL (a.minions)))[1:named],
                minion_count = a.minion_count + seen.minion_count - cardinality(seen.minions)
                    + (SELECT count(*) FROM unnest(fresh) AS f (minion_id) WHERE f.minion_id <> ALL (a.minions)),
                count = a.count + seen.times, first_at = least(a.first_at, seen.seen_at),
                last_at = greatest(a.last_at, seen.seen_at)
            WHERE a.alarm_id = target;
            CONTINUE;
        END IF;
        -- One of so many minions that not all are named: any other one counts as one of them.
        UPDATE approval.alarm AS a SET count = a.count + seen.times, last_at = greatest(a.last_at, seen.seen_at)
        WHERE a.alarm_id = (
            SELECT max(b.alarm_id) FROM approval.alarm AS b
            WHERE b.kind = seen.kind AND b.cause = seen.cause AND b.acknowledged_at IS NULL
                AND b.minion_count > cardinality(b.minions));
        CONTINUE WHEN FOUND;
        INSERT INTO approval.alarm
            (kind, severity, minions, minion_count, cause, alike, who, what, jid, request_id, first_at, last_at, count)
        SELECT seen.kind, r.severity, fresh, seen.minion_count - cardinality(seen.minions) + cardinality(fresh), seen.cause,
            seen.alike, seen.who, seen.what, seen.jid, seen.request_id, seen.seen_at, seen.seen_at, seen.times
        FROM approval.current_alarm_rule AS r WHERE r.kind = seen.kind;
    END LOOP;

    FOR untold IN
        UPDATE approval.alarm AS a SET told_at = moment
        FROM approval.current_alarm_rule AS r
        WHERE r.kind = a.kind AND a.told_at IS NULL AND a.acknowledged_at IS NULL AND a.muted_until IS NULL
            AND (a.severity = 'critical' OR NOT EXISTS (
                SELECT FROM approval.calendar_span AS s
                WHERE s.calendar_name = r.quiet_hours AND s.starts_at <= moment AND s.ends_at > moment))
        RETURNING a.*
    LOOP
        PERFORM approval.post_notice(
            'alarms', 'alarm/' || untold.alarm_id, NULL, approval.alarm_notice(untold, 'raised'), moment);
    END LOOP;
    DELETE FROM approval.alarm WHERE acknowledged_at < moment - kept;
    RETURN settled;
END
$$;
COMMENT ON FUNCTION approval.settle_alarms IS
    'Makes alarms of what was seen since the last call, at most a thousand observations: each cause and minion has one open alarm, '
    'and alike ones within a minute are one. Tells of new ones, outside of their quiet hours, and drops those acknowledged 400 '
    'days ago. Gives how many observations were settled; 0: none, or another is at it. Definer: tables are private.';
