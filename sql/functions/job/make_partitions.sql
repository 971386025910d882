CREATE OR REPLACE FUNCTION approval.make_partitions(p_parent text, p_unit text, p_since date, p_until date) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    spelling constant text := CASE WHEN p_parent IN ('job', 'job_return') THEN 'YYYYMMDD' ELSE 'YYYY-MM-DD"T00:00:00Z"' END;
    day date := p_since;
    before date;
    after date;
    first_day date;
    end_day date;
    made integer := 0;
BEGIN
    WHILE day < p_until LOOP
        SELECT max(p.until) FILTER (WHERE p.since <= day), min(p.since) FILTER (WHERE p.since > day) INTO before, after
        FROM approval.partitions_of(p_parent) AS p;
        IF before > day THEN
            day := before;
        ELSE
            -- The unit may have been another one: what is taken already stays as it is.
            first_day := greatest(date_trunc(p_unit, day::timestamp)::date, before);
            end_day := least((date_trunc(p_unit, day::timestamp) + ('1 ' || p_unit)::interval)::date, after);
            made := made + approval.make_partition(
                p_parent, first_day, to_char(first_day, spelling), to_char(end_day, spelling))::integer;
            day := end_day;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION approval.make_partitions IS
    'Internal: makes partitions of a unit each (day, week, month) until there is one for every day from p_since on and before '
    'p_until; gives how many.';
