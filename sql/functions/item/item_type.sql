CREATE OR REPLACE FUNCTION approval.item_type(p_kind text, p_name text, p_content text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_kind = 'package' THEN
        IF p_name IS NULL OR p_name !~ '^[A-Za-z0-9][A-Za-z0-9+._:@~-]*(/[A-Za-z0-9][A-Za-z0-9+._:@~-]*)?$' OR length(p_name) > 255
            -- With a folder in front, package managers take such a name for a file.
            OR p_name ~* E'/.*\\.(rpm|deb|apk|pkg|t[gx]z|txz|tbz2?|gz|xz|zst|msi|nupkg)$' THEN
            RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%L is not a package name', p_name),
                HINT = 'Letters, digits and + . _ : @ ~ - are allowed, beginning with a letter or digit; and CATEGORY/NAME.';
        END IF;
        IF p_content IS NULL THEN
            RETURN 'absent';
        ELSIF p_content = 'latest' THEN
            RETURN 'latest';
        ELSIF p_content !~ '^[0-9A-Za-z][0-9A-Za-z.,+:~^_*-]{0,254}$'
            -- Words that people put where a version belongs.
            OR lower(p_content) IN ('absent', 'any', 'false', 'installed', 'none', 'null', 'present', 'purged',
                'removed', 'true') THEN
            RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%L is not a version of package %s', p_content, p_name),
                HINT = 'Give the exact version, a pattern of it with *, latest, or absent for a package that must not be there.';
        END IF;
        RETURN 'version';
    ELSIF p_kind = 'service' THEN
        IF p_name IS NULL OR p_name !~ E'^[A-Za-z0-9]([A-Za-z0-9+._:@~$\\\\\\\\ -]{0,253}[A-Za-z0-9+._:@~$\\\\\\\\-])?$'
            OR p_name ~ '  ' THEN
            RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%L is not a service name', p_name),
                HINT = E'Letters, digits, single spaces and + . _ : @ ~ $ \\ - are allowed, beginning with a letter or digit.';
        END IF;
        IF p_content IS NULL OR p_content NOT IN ('running', 'dead') THEN
            RAISE EXCEPTION USING ERRCODE = 'AP005',
                MESSAGE = format('service %s can be running or dead, not %L', p_name, p_content),
                HINT = 'Give running or dead.';
        END IF;
        RETURN 'state';
    ELSIF p_kind IN ('value', 'action') THEN
        IF p_name IS NULL OR p_name !~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$' THEN
            RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%L is not a name for a value or an action', p_name),
                HINT = 'Letters, digits and . _ : - are allowed, beginning with a letter or digit.';
        END IF;
        RETURN 'json';
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%L is not a kind of resource', p_kind),
        HINT = 'Kinds are package, service, value and action.';
END
$$;
COMMENT ON FUNCTION approval.item_type IS
    'The type of an item''s content as it is stored, see approval.item_content (version, latest, absent, state, json). Raises '
    'AP005 where kind, name or content are not possible.';
