CREATE OR REPLACE FUNCTION approval.proof_of(p_type approval.request_type) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE
    WHEN p_type.kind <> 'action' THEN 'state'
    WHEN p_type.definition ? 'proof' THEN p_type.definition ->> 'proof'
    WHEN p_type.action ->> 'function' = 'system.reboot' THEN 'reboot'
    WHEN p_type.action ->> 'function' IN ('service.restart', 'service.full_restart') THEN 'restart'
    ELSE 'return' END
$$;
COMMENT ON FUNCTION approval.proof_of IS 'Internal: the proof that a request of this type was carried out; see table dispatch.';
