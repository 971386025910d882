CREATE OR REPLACE FUNCTION approval.put_readers(p_what text, p_readers jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kinds constant text[] := ARRAY['requests', 'values', 'job_log', 'audit'];
    present jsonb;
    wanted jsonb;
    unknown text;
    watched text[];
BEGIN
    IF p_what IS NULL OR p_what <> ALL (kinds) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = format('readers: %s is nothing that is read', quote_nullable(p_what)),
            HINT = 'What readers are named for is: ' || array_to_string(kinds, ', ');
    END IF;
    -- Nobody means that nobody reads by an empty list, and everybody would be no limit.
    IF p_readers IS NOT NULL AND (jsonb_typeof(p_readers) <> 'array' OR p_readers = '[]' OR EXISTS (
            SELECT FROM jsonb_array_elements(p_readers) AS e
            WHERE jsonb_typeof(e) <> 'object' OR e - '{groups,minion_group}'::text[] <> '{}'
                OR jsonb_typeof(e -> 'groups') IS DISTINCT FROM 'array' OR e -> 'groups' = '[]'
                OR coalesce(jsonb_typeof(e -> 'minion_group'), 'string') <> 'string')) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = format('readers of %s are a list of entries, each with groups, a list of groups of people, and perhaps '
                             'minion_group, a group of minions', p_what);
    END IF;
    SELECT string_agg(DISTINCT quote_nullable(g.name), ', ') INTO unknown
    FROM jsonb_array_elements(p_readers) AS e, jsonb_array_elements_text(e -> 'groups') AS g (name)
    WHERE NOT EXISTS (SELECT FROM approval.principal_group AS known WHERE known.group_name = g.name);
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('readers of %s: unknown group: %s', p_what, unknown),
            HINT = coalesce('Groups are: ' || (SELECT string_agg(known.group_name, ', ' ORDER BY known.group_name)
                                               FROM approval.principal_group AS known), 'There are none yet.');
    END IF;
    SELECT string_agg(DISTINCT quote_literal(e ->> 'minion_group'), ', ') INTO unknown
    FROM jsonb_array_elements(p_readers) AS e
    WHERE e ? 'minion_group'
        AND NOT EXISTS (SELECT FROM approval.minion_group AS known WHERE known.group_name = e ->> 'minion_group');
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('readers of %s: unknown minion group: %s', p_what, unknown),
            HINT = coalesce('Minion groups are: ' || (SELECT string_agg(known.group_name, ', ' ORDER BY known.group_name)
                                                      FROM approval.minion_group AS known), 'There are none yet.');
    END IF;
    PERFORM approval.lock_reach(true);
    present := approval.shown_readers() -> p_what;
    watched := ARRAY(SELECT DISTINCT r.minion_group FROM approval.reader AS r WHERE r.minion_group IS NOT NULL ORDER BY 1);
    DELETE FROM approval.reader AS r WHERE r.what = p_what;
    INSERT INTO approval.reader (what, group_name, minion_group)
    SELECT DISTINCT p_what, g.name, e ->> 'minion_group'
    FROM jsonb_array_elements(p_readers) AS e, jsonb_array_elements_text(e -> 'groups') AS g (name);
    wanted := approval.shown_readers() -> p_what;
    IF wanted IS NOT DISTINCT FROM present THEN
        RETURN false;
    END IF;
    PERFORM approval.audit_append(0, now(), 'readers-put', NULL, NULL, NULL,
                                  jsonb_build_object('what', p_what, 'readers', wanted, 'before', present));
    IF watched <> ARRAY(SELECT DISTINCT r.minion_group FROM approval.reader AS r WHERE r.minion_group IS NOT NULL ORDER BY 1) THEN
        PERFORM approval.put_reach(NULL);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.put_readers IS
    'Has just these people read requests, values, job_log or audit (p_what, see table reader): p_readers is a list of {groups, '
    'minion_group}, without minion_group of all minions; NULL: all known people read it. Gives whether anything changed. Raises '
    'AP017. Definer: policy changes are audited.';
