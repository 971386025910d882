CREATE OR REPLACE FUNCTION approval.drop_membership(p_group text, p_principal text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dropped boolean;
BEGIN
    DELETE FROM approval.membership AS m USING approval.principal AS p
    WHERE m.group_name = p_group AND m.principal_id = p.principal_id AND p.name = p_principal;
    dropped := FOUND;
    IF dropped THEN
        PERFORM approval.audit_append(0, now(), 'membership-dropped', NULL, NULL, NULL,
                                      jsonb_build_object('group', p_group, 'principal', p_principal));
    END IF;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION approval.drop_membership IS
    'Takes a principal out of a group; gives whether it was in it. Definer: policy changes are audited.';
