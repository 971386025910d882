CREATE OR REPLACE FUNCTION approval.proof_within(p_type approval.request_type) RETURNS interval
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce((p_type.definition ->> 'proof_within')::interval,
                CASE approval.proof_of(p_type) WHEN 'reboot' THEN interval '30 minutes' ELSE interval '15 minutes' END)
$$;
COMMENT ON FUNCTION approval.proof_within IS
    'Internal: how long after an action of this type was sent its proof may take before the minion counts as silent.';
