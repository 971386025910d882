CREATE OR REPLACE FUNCTION approval.duration(p_what text, p_given jsonb) RETURNS interval
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    unit constant text := '(years?|yrs?|y|months?|mons?|weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)';
    number constant text := E'\\d{1,9}(\\.\\d{1,6})?';
    example constant text := 'Give a number with its unit, as in "4 hours", "1 day 12 hours" or "PT4H".';
    written text := btrim(p_given #>> '{}');
    length interval;
BEGIN
    IF p_given IS NULL THEN
        RETURN NULL;
    ELSIF jsonb_typeof(p_given) <> 'string'
        OR written !~* ('^' || number || E'\\s*' || unit || E'((\\s+|\\s*,\\s*|\\s+and\\s+)' || number || E'\\s*' || unit || ')*$')
        AND written !~ (E'^P(?=\\d|T\\d)(' || number || 'Y)?(' || number || 'M)?(' || number || 'W)?(' || number || E'D)?(T(?=\\d)('
                        || number || 'H)?(' || number || 'M)?(' || number || 'S)?)?$') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = format('%s: %s is not a duration with a unit', p_what, left(p_given::text, 100)),
            HINT = example;
    END IF;
    BEGIN
        length := regexp_replace(written, E'\\s+and\\s+|,', ' ', 'gi')::interval;
    EXCEPTION
        WHEN datetime_field_overflow OR interval_field_overflow THEN
            length := interval '1000 years';
        WHEN data_exception THEN
            RAISE EXCEPTION USING ERRCODE = 'AP017',
                MESSAGE = format('%s: %s is not a duration', p_what, left(p_given::text, 100)), HINT = example;
    END;
    IF length <= interval '0' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('%s must be longer than nothing', p_what), HINT = example;
    ELSIF length > interval '100 years' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = format('%s: %s is longer than 100 years', p_what, left(p_given::text, 100)), HINT = example;
    END IF;
    RETURN length;
END
$$;
COMMENT ON FUNCTION approval.duration IS
    'Internal: a duration in a policy, as text with units (4 hours, 1 day 12 hours, PT4H), more than nothing and at most 100 '
    'years; NULL: none is given. p_what names it in errors. Raises AP017, also for a number without a unit, which might have meant '
    'anything.';
