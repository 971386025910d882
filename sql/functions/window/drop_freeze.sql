CREATE OR REPLACE FUNCTION approval.drop_freeze(p_name text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM approval.freeze WHERE freeze_name = p_name;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM approval.audit_append(0, now(), 'freeze-dropped', NULL, NULL, NULL, jsonb_build_object('freeze', p_name));
    PERFORM approval.refresh_documents(approval.held_minions(NULL));
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.drop_freeze IS 'Lifts a freeze; gives whether there was one. Definer: policy changes are audited.';
