CREATE OR REPLACE FUNCTION approval.drop_freeze(p_name text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    minions text[];
    concerned bigint;
BEGIN
    DELETE FROM approval.freeze WHERE freeze_name = p_name;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM approval.audit_append(0, now(), 'freeze-dropped', NULL, NULL, NULL, jsonb_build_object('freeze', p_name));
    minions := approval.held_minions(NULL);
    FOREACH concerned IN ARRAY approval.rewrite_documents(minions, approval.lock_minions(minions)) LOOP
        PERFORM approval.settle_request(concerned, now());
    END LOOP;
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.drop_freeze(text) IS
    'Lifts a freeze; gives whether there was one. Definer: policy changes are audited.';
