CREATE OR REPLACE FUNCTION approval.check_items(
    p_type approval.request_type, p_minions text[], p_kinds text[], p_names text[], p_values text[], OUT types text[],
    OUT contents text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given_count integer := coalesce(cardinality(p_minions), 0);
    refused text;
    several boolean;
BEGIN
    IF given_count = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP015', MESSAGE = 'the request names no minion, or nothing to be done there';
    END IF;
    IF cardinality(p_kinds) IS DISTINCT FROM given_count OR cardinality(p_names) IS DISTINCT FROM given_count
        OR cardinality(p_values) IS DISTINCT FROM given_count THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'minions, kinds, names and values must be as many as each other';
    END IF;
    SELECT string_agg(coalesce(quote_literal(missing.minion_id), 'NULL'), ', ') INTO refused
    FROM (SELECT DISTINCT given.minion_id FROM unnest(p_minions) AS given (minion_id)
          WHERE NOT EXISTS (SELECT FROM approval.minion AS m WHERE m.minion_id = given.minion_id AND m.removed_at IS NULL)
          ORDER BY given.minion_id LIMIT 5) AS missing;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('unknown minion: %s', refused),
            HINT = 'The engine registers a minion once its key is accepted; so does salt-approval minion add.';
    END IF;
    IF NOT '*' = ANY (p_type.targets) THEN
        SELECT string_agg(quote_literal(outside.minion_id), ', ') INTO refused
        FROM (SELECT DISTINCT given.minion_id FROM unnest(p_minions) AS given (minion_id)
              WHERE NOT EXISTS (SELECT FROM approval.minion_group_member AS m
                                WHERE m.minion_id = given.minion_id AND m.group_name = ANY (p_type.targets))
              ORDER BY given.minion_id LIMIT 5) AS outside;
        IF refused IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'AP002',
                MESSAGE = format('requests of type %s may not name minion %s', p_type.type_name, refused),
                HINT = format('It is for the minion groups %s.', array_to_string(p_type.targets, ', '));
        END IF;
    END IF;
    IF EXISTS (SELECT FROM unnest(p_kinds) AS kind WHERE p_type.kind <> 'any' AND p_type.kind IS DISTINCT FROM kind) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = format('requests of type %s are about kind %s only', p_type.type_name, p_type.kind);
    END IF;
    -- Many minions mostly get the same: what is given is read once.
    WITH wish AS MATERIALIZED (
        SELECT w.kind, w.name, w.given, s.content, approval.item_type(w.kind, w.name, s.content) AS type
        FROM (SELECT DISTINCT * FROM unnest(p_kinds, p_names, p_values)) AS w (kind, name, given)
        CROSS JOIN LATERAL (SELECT approval.item_content(w.kind, w.name, w.given) OFFSET 0) AS s (content)
    )
    SELECT array_agg(w.type ORDER BY g.ordinal), array_agg(w.content ORDER BY g.ordinal),
        (SELECT count(DISTINCT (kind, name)) > count(DISTINCT (kind, approval.resource_key(kind, name))) FROM wish)
    INTO types, contents, several
    FROM wish AS w
    JOIN unnest(p_kinds, p_names, p_values) WITH ORDINALITY AS g (kind, name, given, ordinal) USING (kind, name, given);
    -- Somebody copied what they were shown.
    SELECT min(g.name) INTO refused FROM unnest(p_kinds, p_names, contents) AS g (kind, name, content)
    WHERE g.kind IN ('value', 'action') AND strpos(g.content, '"•••"') > 0;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('••• stands in %s for what is not shown', refused),
            HINT = 'Give the value itself.';
    END IF;
    IF EXISTS (SELECT FROM unnest(p_minions, p_kinds, p_names) AS given (minion_id, kind, name)
               GROUP BY minion_id, kind, name HAVING count(*) > 1) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the request names the same thing on the same minion twice';
    END IF;
    IF several THEN
        WITH given AS MATERIALIZED (
            SELECT g.*, approval.resource_key(g.kind, g.name) AS key
            FROM unnest(p_minions, p_kinds, p_names, contents) AS g (minion_id, kind, name, content)
        )
        SELECT format('%s %s and %s on %s', a.kind, a.name, b.name, a.minion_id) INTO refused
        FROM given AS a JOIN given AS b USING (minion_id, kind, key)
        WHERE a.name < b.name AND a.content IS DISTINCT FROM b.content AND a.kind <> 'action'
            AND approval.may_be_one(a.kind, a.name, b.name)
        ORDER BY a.minion_id, a.name LIMIT 1;
        IF refused IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'AP005',
                MESSAGE = format('the request wants two things of what may be one: %s', refused),
                HINT = 'Name it once. If they are two things there, ask for them in two requests.';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_items IS
    'Internal: raises unless a request of this type may be about these items; gives the type of each one''s content, and the '
    'content as it is stored (see approval.item_content). Raises AP002, AP004, AP005, AP015.';
