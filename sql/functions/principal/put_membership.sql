CREATE OR REPLACE FUNCTION approval.put_membership(p_group text, p_principal text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    alike text;
BEGIN
    IF NOT EXISTS (SELECT FROM approval.principal_group WHERE group_name = p_group) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('there is no group %s', quote_nullable(p_group));
    END IF;
    IF NOT EXISTS (SELECT FROM approval.principal WHERE name = p_principal) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('there is no principal %s', quote_nullable(p_principal));
    END IF;
    -- Two who look alike would count as two for a quorum.
    SELECT p.name INTO alike FROM approval.membership AS m JOIN approval.principal AS p USING (principal_id)
    WHERE m.group_name = p_group AND p.name <> p_principal AND p.disabled_at IS NULL
        AND approval.looks(p.name) = approval.looks(p_principal) LIMIT 1;
    IF alike IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = format('group %s has %L already, who looks like %L', p_group, alike, p_principal),
            HINT = 'If they are two people, give one a name that differs by more than letter case or accents written in two ways.';
    END IF;
    INSERT INTO approval.membership SELECT p_group, principal_id FROM approval.principal
        WHERE name = p_principal ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM approval.audit_append(0, now(), 'membership-put', NULL, NULL, NULL,
                                  jsonb_build_object('group', p_group, 'principal', p_principal));
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.put_membership IS
    'Puts a principal into a group; gives whether anything changed. Raises AP017. Definer: policy changes are audited.';
