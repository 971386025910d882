CREATE OR REPLACE FUNCTION approval.search_packages(p_pattern text, p_minion_id text, p_limit integer, p_reader bigint DEFAULT NULL)
    RETURNS TABLE (name text, versions text[], gone text[], minions bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text := lower(btrim(p_pattern)) COLLATE "C";
    part text := '%' || regexp_replace(lower(btrim(p_pattern)), E'([\\\\%_])', E'\\\\\\1', 'g') || '%';
    readable constant text[] := approval.readable_groups(approval.reading_as(p_reader), 'requests');
    chosen integer[];
    found text[];
BEGIN
    IF coalesce(wanted, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a part of the name of a package is needed';
    ELSIF p_minion_id IS NOT NULL THEN
        chosen := ARRAY(SELECT m.catalog_id FROM approval.catalog_member AS m
                        WHERE m.minion_id = p_minion_id AND approval.in_groups(m.minion_id, readable));
        IF cardinality(chosen) = 0 THEN
            RAISE EXCEPTION USING ERRCODE = 'AP004',
                MESSAGE = format('nobody knows which packages minion %s could get', p_minion_id),
                HINT = 'The inventory asks each minion once a day; salt-run approval.sync_packages has it ask at once.';
        END IF;
    ELSE
        chosen := ARRAY(SELECT c.catalog_id FROM approval.catalog AS c WHERE NOT c.is_apart);
    END IF;
    -- Those that begin with it, in order of the index; those that have it elsewhere only where there is room for more. A part of
    -- one or two characters is in too many names to be looked for.
    found := ARRAY(
        SELECT n.name FROM approval.package_name AS n
        WHERE n.key >= wanted AND n.key < wanted || chr(1114111) AND EXISTS (
            SELECT FROM approval.catalog_version AS v WHERE v.name_id = n.name_id AND v.catalog_id = ANY (chosen))
        ORDER BY n.key, n.name LIMIT p_limit);
    IF cardinality(found) < p_limit AND length(wanted) > 2 THEN
        found := found || ARRAY(
            SELECT n.name FROM approval.package_name AS n
            WHERE n.key LIKE part AND NOT starts_with(n.key, wanted) AND EXISTS (
                SELECT FROM approval.catalog_version AS v WHERE v.name_id = n.name_id AND v.catalog_id = ANY (chosen))
            ORDER BY n.key, n.name LIMIT p_limit - cardinality(found));
    END IF;
    RETURN QUERY
    -- The minions of a catalog are counted once, and not again for each package.
    WITH size AS MATERIALIZED (
        SELECT m.catalog_id, count(*) AS minions FROM approval.catalog_member AS m
        WHERE cardinality(found) > 0 AND m.catalog_id = ANY (chosen) GROUP BY m.catalog_id
    )
    SELECT f.name, array_agg(DISTINCT v.version::text) FILTER (WHERE v.gone_since IS NULL),
        array_agg(DISTINCT v.version::text) FILTER (WHERE v.gone_since IS NOT NULL), (
            SELECT coalesce(sum(s.minions), 0)::bigint FROM size AS s WHERE s.catalog_id IN (
                SELECT h.catalog_id FROM approval.catalog_version AS h
                WHERE h.name_id = n.name_id AND h.catalog_id = ANY (chosen) AND h.gone_since IS NULL))
    FROM unnest(found) WITH ORDINALITY AS f (name, place)
    JOIN approval.package_name AS n ON n.name = f.name
    JOIN approval.catalog_version AS v ON v.name_id = n.name_id AND v.catalog_id = ANY (chosen)
    GROUP BY f.name, f.place, n.name_id ORDER BY f.place;
END
$$;
COMMENT ON FUNCTION approval.search_packages IS
    'Packages whose names begin with a text, then those that have it elsewhere (from three characters on), that the minion could '
    'get or (NULL) any: with their versions, those that are gone, and how many minions could get it. No minion is known that '
    'the login, or p_reader (see reading_as), may not read. Raises AP004, AP005. Definer: '
    'tables are private.';
