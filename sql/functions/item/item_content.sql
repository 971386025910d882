CREATE OR REPLACE FUNCTION approval.item_content(p_kind text, p_name text, p_given text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most_given constant integer := 1048576;
    most constant integer := 65536;
    what text := CASE p_kind WHEN 'action' THEN format('what is given to %s', p_name) ELSE format('the value of %s', p_name) END;
    canonical text;
BEGIN
    IF p_given IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('nothing is said of what %s %s shall be', p_kind, p_name),
            HINT = CASE p_kind WHEN 'package' THEN 'Give a version, or latest; or absent, if it shall be removed.'
                               WHEN 'service' THEN 'Give running or dead.' ELSE 'Give JSON; no value at all is null.' END;
    ELSIF p_kind = 'package' THEN
        RETURN CASE WHEN lower(p_given) IN ('absent', 'removed') THEN NULL WHEN lower(p_given) = 'latest' THEN 'latest'
            ELSE p_given END;
    ELSIF p_kind NOT IN ('value', 'action') THEN
        RETURN p_given;
    END IF;
    IF octet_length(p_given) <= most_given THEN
        BEGIN
            PERFORM p_given::jsonb;
            canonical := approval.canonical_json(what, p_given::json);
        EXCEPTION
            WHEN untranslatable_character THEN
                RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s holds a NUL character', what),
                    HINT = 'Give it without that, or encoded as text, such as base64.';
            WHEN numeric_value_out_of_range THEN
                RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s holds a number that Salt cannot carry', what),
                    HINT = 'Give it as text, in quotes.';
            WHEN statement_too_complex THEN
                RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s is nested too deep', what),
                    HINT = 'Give it with fewer levels, or as text, in quotes.';
            WHEN data_exception THEN
                RAISE EXCEPTION USING ERRCODE = 'AP005',
                    MESSAGE = format('%s is not JSON', what), HINT = 'Text stands in double quotes.';
        END;
    END IF;
    IF canonical IS NULL OR octet_length(canonical) > most THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s is longer than %s bytes', what, most),
            HINT = 'Give a large content by a file, and approve its checksum.';
    END IF;
    IF p_kind = 'action' AND left(canonical, 1) <> '{' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s are no parameters, which are a JSON object', what),
            HINT = 'Give each by its name, such as {"at_time": 5}; without parameters {}.';
    END IF;
    RETURN canonical;
END
$$;
COMMENT ON FUNCTION approval.item_content IS
    'Internal: the stored form of the content that somebody asks for: a value or an action''s parameters (at most 64 KiB) as '
    'canonical JSON; NULL for a package given as absent or removed. Raises AP005 where nothing is said, or where it cannot reach a '
    'minion unchanged.';
