CREATE OR REPLACE FUNCTION approval.refusal_of(p_kind text, p_name text, p_given text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.item_type(p_kind, p_name, approval.item_content(p_kind, p_name, p_given));
    RETURN NULL;
EXCEPTION WHEN SQLSTATE 'AP005' THEN
    RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION approval.refusal_of IS 'Internal: why something cannot be asked for; NULL: it can.';
