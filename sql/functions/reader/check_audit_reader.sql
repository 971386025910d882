CREATE OR REPLACE FUNCTION approval.check_audit_reader(p_reader bigint) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF approval.readable_groups(p_reader, 'audit') IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP025',
            MESSAGE = 'the whole audit is for those who may read that of all minions',
            HINT = 'Who that is stands in the policy, under readers.';
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_audit_reader IS
    'Internal: raises AP025 unless a principal (see reading_as) may read the audit of all minions, and of the policy.';
