CREATE OR REPLACE FUNCTION approval.is_dispatched(p_type approval.request_type) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce((p_type.definition -> 'dispatch')::boolean, p_type.kind = 'action')
$$;
COMMENT ON FUNCTION approval.is_dispatched IS
    'Internal: requests of this type are sent by the engine. An action is, unless its type says otherwise; a state is, only if its '
    'type says so: a highstate brings it.';
