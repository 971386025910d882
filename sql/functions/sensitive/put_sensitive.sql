CREATE OR REPLACE FUNCTION approval.put_sensitive(p_definition jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    marked constant jsonb := p_definition -> 'sensitive';
    is_action constant boolean := p_definition ->> 'kind' = 'action';
    fields jsonb;
    named text[];
    unknown text;
    problem text;
BEGIN
    DELETE FROM approval.sensitive AS s WHERE s.type_name = p_definition ->> 'name';
    IF marked IS NULL THEN
        RETURN;
    END IF;
    -- The kwarg that a type itself gives to its function stands in the policy, which everybody reads.
    fields := p_definition #> CASE WHEN is_action THEN '{parameters,properties}'::text[]
        ELSE '{parameters,properties,values,properties}' END;
    named := ARRAY(
        SELECT f.name FROM jsonb_object_keys(CASE jsonb_typeof(fields) WHEN 'object' THEN fields ELSE '{}' END) AS f (name)
        ORDER BY f.name);
    IF jsonb_typeof(marked) <> 'array' OR marked = '[]'
        OR EXISTS (SELECT FROM jsonb_array_elements(marked) AS e WHERE jsonb_typeof(e) <> 'string') THEN
        problem := 'sensitive is a list of names';
    ELSIF p_definition ->> 'kind' NOT IN ('value', 'action') THEN
        problem := 'sensitive is for types of kind value or action';
    ELSE
        SELECT string_agg(DISTINCT quote_literal(e.name), ', ') INTO unknown
        FROM jsonb_array_elements_text(marked) AS e (name) WHERE e.name <> ALL (named);
        problem := 'sensitive names ' || unknown || ', which its parameters '
            || CASE WHEN is_action THEN 'do not have' ELSE 'do not have under values' END;
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('request type %s: %s', p_definition ->> 'name', problem),
            HINT = CASE WHEN named = '{}' THEN CASE WHEN is_action
                    THEN 'Name the arguments in its parameters, under properties.'
                    ELSE 'Name the values in its parameters, under properties, values, properties.' END
                ELSE 'It can name: ' || array_to_string(named, ', ') END;
    END IF;
    INSERT INTO approval.sensitive (type_name, kind, name, argument)
    SELECT DISTINCT p_definition ->> 'name', CASE WHEN is_action THEN 'action' ELSE 'value' END,
        CASE WHEN is_action THEN p_definition #>> '{action,function}' ELSE e.name END, CASE WHEN is_action THEN e.name END
    FROM jsonb_array_elements_text(marked) AS e (name);
END
$$;
COMMENT ON FUNCTION approval.put_sensitive IS
    'Internal: stores what a request type marks as sensitive, in place of what its version before did. Raises AP017 where that is '
    'not named in its parameters.';
