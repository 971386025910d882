CREATE OR REPLACE FUNCTION approval.show_type(p_type text, p_version integer DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown approval.request_type := approval.current_type(p_type);
BEGIN
    IF p_version IS NOT NULL THEN
        SELECT * INTO shown FROM approval.request_type WHERE type_name = p_type AND type_version = p_version;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'AP003', MESSAGE = format('request type %s has no version %s', p_type, p_version);
        END IF;
    END IF;
    RETURN jsonb_build_object('type', shown.type_name, 'version', shown.type_version, 'created_at', shown.created_at,
                              'definition', shown.definition);
END
$$;
COMMENT ON FUNCTION approval.show_type IS
    'One request type as it was loaded: its newest version, or this one. Raises AP003. Definer: tables are private.';
