CREATE OR REPLACE FUNCTION approval.put_calendar(
    p_name text, p_rule text, p_time_zone text, p_duration interval, p_starts_on timestamp, p_openings timestamptz[])
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_timezone_names WHERE name = p_time_zone) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = format('calendar %s: there is no time zone %s', p_name, quote_nullable(p_time_zone));
    END IF;
    INSERT INTO approval.calendar AS c (calendar_name, rule, time_zone, duration, starts_on)
    VALUES (p_name, p_rule, p_time_zone, p_duration, p_starts_on)
    ON CONFLICT (calendar_name) DO UPDATE
    SET rule = excluded.rule, time_zone = excluded.time_zone, duration = excluded.duration, starts_on = excluded.starts_on
    WHERE (c.rule, c.time_zone, c.duration, c.starts_on)
        IS DISTINCT FROM (excluded.rule, excluded.time_zone, excluded.duration, excluded.starts_on);
    changed := FOUND;
    IF changed THEN
        PERFORM approval.audit_append(0, now(), 'calendar-put', NULL, NULL, NULL, jsonb_build_object(
            'calendar', p_name, 'rule', p_rule, 'time_zone', p_time_zone, 'duration', p_duration, 'starts_on', p_starts_on));
    END IF;
    IF ARRAY(SELECT starts_at FROM approval.calendar_span WHERE calendar_name = p_name ORDER BY starts_at)
        = ARRAY(SELECT DISTINCT opening FROM unnest(p_openings) AS opening ORDER BY opening) AND NOT changed THEN
        RETURN false;
    END IF;
    DELETE FROM approval.calendar_span WHERE calendar_name = p_name;
    INSERT INTO approval.calendar_span
    SELECT p_name, opening, opening + p_duration FROM (SELECT DISTINCT unnest(p_openings) AS opening) AS given;
    PERFORM approval.refresh_documents(approval.held_minions(p_name));
    RETURN true;
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP017',
        MESSAGE = format('calendar %s: it needs a plain name, a rule and a positive duration', p_name);
END
$$;
COMMENT ON FUNCTION approval.put_calendar IS
    'Sets a maintenance window and its openings (p_openings: when each begins, worked out ahead from p_rule by the caller); '
    'documents that wait for it are written anew. Gives whether anything changed. Raises AP017. Definer: policy changes are '
    'audited.';
