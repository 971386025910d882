CREATE OR REPLACE FUNCTION approval.check_catalogs(
    p_request_id bigint, p_version integer, p_type approval.request_type, p_may_refuse boolean,
    p_minions text[], p_kinds text[], p_names text[], p_contents text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most_notes constant integer := 50;
    named constant integer := 3;
    mode text := coalesce(p_type.definition ->> 'catalog', 'refuse');
    refused text;
BEGIN
    IF mode IN ('off', 'false') OR NOT 'package' = ANY (p_kinds) THEN
        RETURN;
    END IF;
    WITH found AS (
        SELECT f.*, row_number() OVER (ORDER BY f.refuses DESC, f.finding) AS place
        FROM approval.catalog_findings(p_minions, p_kinds, p_names, p_contents) AS f
    ), noted AS (
        INSERT INTO approval.request_note (request_id, item_set_version, note_no, note, minions, minion_count)
        SELECT p_request_id, p_version, f.place, f.finding, f.minions[1:named], cardinality(f.minions)
        FROM found AS f WHERE f.place <= most_notes
    )
    SELECT string_agg(format('on %s%s %s', array_to_string(f.minions[1:named], ', '),
            CASE WHEN cardinality(f.minions) > named THEN format(' and %s more', cardinality(f.minions) - named) ELSE '' END,
            f.finding), '; ' ORDER BY f.place)
    INTO refused FROM found AS f WHERE f.refuses AND f.place <= 5;
    IF refused IS NOT NULL AND mode = 'refuse' AND p_may_refuse THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = refused,
            HINT = 'The command packages NAME --minion ID shows what there is (salt-run: approval.packages). If the repositories '
                'have it since today, minion sync has that found at once (approval.sync_packages).';
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_catalogs IS
    'Internal: raises AP005 if a request names packages or versions that a minion cannot get, as its catalog says, and its type '
    'refuses such; else notes them with the request. A type says so by catalog: refuse (without the key), warn or off.';
