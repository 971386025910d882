CREATE OR REPLACE FUNCTION approval.check_actions(p_type approval.request_type, p_kinds text[], p_names text[], p_values text[])
    RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    refused record;
BEGIN
    -- The function that approvers are shown is the one that is sent.
    SELECT given.name INTO refused FROM unnest(p_kinds, p_names) AS given (kind, name)
    WHERE given.kind = 'action' AND given.name IS DISTINCT FROM p_type.action ->> 'function' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('requests of type %s carry out %s, not %s', p_type.type_name,
            coalesce(p_type.action ->> 'function', 'no action'), refused.name);
    END IF;
    SELECT given.name INTO refused FROM unnest(p_kinds, p_names, p_values) AS given (kind, name, content)
    WHERE given.kind = 'action' AND jsonb_typeof(given.content::jsonb) <> 'object' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = format('the parameters of %s have names: give a JSON object', refused.name);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_actions IS
    'Internal: raises AP005 unless each action is the one that the type carries out, with named parameters.';
