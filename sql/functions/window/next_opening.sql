CREATE OR REPLACE FUNCTION approval.next_opening(p_request_id bigint, p_at timestamptz)
    RETURNS TABLE (opens_at timestamptz, text text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target approval.request;
    calendar text;
    least_at timestamptz;
BEGIN
    SELECT * INTO target FROM approval.request AS r WHERE r.request_id = p_request_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', coalesce(p_request_id::text, 'NULL'));
    END IF;
    IF target.closed_at IS NOT NULL THEN
        RETURN QUERY SELECT NULL::timestamptz, format('it is %s, and waits for nothing any more', target.state);
    ELSIF target.state = 'pending' THEN
        calendar := (SELECT t.calendar_name FROM approval.request_type AS t
                     WHERE t.type_name = target.type_name AND t.type_version = target.type_version);
        least_at := greatest(p_at, target.not_before);
        IF calendar IS NULL THEN
            RETURN QUERY SELECT CASE WHEN least_at > p_at THEN least_at END,
                'it is not approved yet, and its type waits for no calendar';
        ELSE
            RETURN QUERY SELECT CASE WHEN s.opening IS NOT NULL THEN greatest(least_at, s.opening) END,
                format('it is not approved yet, and then waits for calendar %s%s', calendar,
                       CASE WHEN s.opening IS NULL THEN ', of which no opening is known that late' ELSE '' END)
            FROM (SELECT min(ahead.starts_at) AS opening FROM approval.calendar_span AS ahead
                  WHERE ahead.calendar_name = calendar AND ahead.ends_at > least_at) AS s;
        END IF;
    ELSE
        RETURN QUERY SELECT nullif(w.until, 'infinity'), format('%s: %s', approval.counted(w.minions, 'minion'), w.text)
        FROM approval.waits(p_request_id, 1000, p_at) AS w;
        IF NOT FOUND THEN
            RETURN QUERY SELECT NULL::timestamptz, 'nothing holds it back';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION approval.next_opening IS
    'Internal: when a request may be applied next, or (opens_at NULL) no such time is known, with the cause for people: a row for '
    'each cause that holds some of its minions, see approval.waits. Of one that is not approved yet: the next opening of the '
    'calendar of its type, which a freeze may still deny. Raises AP014.';
