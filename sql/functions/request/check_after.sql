CREATE OR REPLACE FUNCTION approval.check_after(p_after timestamptz, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_after IS NOT NULL AND (NOT isfinite(p_after) OR p_after > p_now + interval '5 years') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP016', MESSAGE = 'the time after which it takes effect is more than five years away';
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_after IS
    'Internal: raises AP016 unless a request may take effect after this time (NULL: at once).';
