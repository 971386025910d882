CREATE OR REPLACE FUNCTION approval.refusal_of_items(
    p_type approval.request_type, p_minions text[], p_kinds text[], p_names text[], p_values text[]) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
BEGIN
    checked := approval.check_items(p_type, p_minions, p_kinds, p_names, p_values);
    PERFORM approval.check_actions(p_type, p_kinds, p_names, checked.contents);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    IF left(SQLSTATE, 2) = 'AP' THEN
        RETURN SQLERRM;
    END IF;
    RAISE;
END
$$;
COMMENT ON FUNCTION approval.refusal_of_items IS
    'Internal: why a request of this type cannot be about these items; NULL: it can.';
