CREATE OR REPLACE FUNCTION approval.put_group(p_group text, p_title text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO approval.principal_group AS g VALUES (p_group, coalesce(p_title, ''))
    ON CONFLICT (group_name) DO UPDATE SET title = excluded.title WHERE g.title <> excluded.title;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM approval.audit_append(0, now(), 'group-put', NULL, NULL, NULL, jsonb_build_object('group', p_group, 'title', p_title));
    RETURN true;
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = 'a group has a name, other than *';
END
$$;
COMMENT ON FUNCTION approval.put_group IS
    'Adds a group of principals, or gives it another title; gives whether anything changed. Raises AP017. Definer: policy changes '
    'are audited.';
