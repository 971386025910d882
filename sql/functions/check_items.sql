CREATE OR REPLACE FUNCTION approval.check_items(
    p_type approval.request_type, p_minions text[], p_kinds text[], p_names text[], p_values text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given_count integer := coalesce(cardinality(p_minions), 0);
    refused text;
    types text[];
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
            RAISE EXCEPTION USING ERRCODE = 'AP002', MESSAGE = format('requests of type %s may not name minion %s', p_type.type_name, refused),
                HINT = format('It is for the minion groups %s.', array_to_string(p_type.targets, ', '));
        END IF;
    END IF;
    SELECT array_agg(approval.item_type(given.kind, given.name, given.content) ORDER BY given.ordinal) INTO types
    FROM unnest(p_kinds, p_names, p_values) WITH ORDINALITY AS given (kind, name, content, ordinal)
    WHERE p_type.kind IN ('any', given.kind);
    IF cardinality(types) IS DISTINCT FROM given_count THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('requests of type %s are about kind %s only', p_type.type_name, p_type.kind);
    END IF;
    IF EXISTS (SELECT FROM unnest(p_minions, p_kinds, p_names) AS given (minion_id, kind, name)
               GROUP BY minion_id, kind, name HAVING count(*) > 1) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the request names the same thing on the same minion twice';
    END IF;
    RETURN types;
END
$$;
COMMENT ON FUNCTION approval.check_items(approval.request_type, text[], text[], text[], text[]) IS
    'Internal: what a request of this type may be about; gives the type of each item''s content. Raises AP002, AP004, AP005, AP015.';
