CREATE OR REPLACE FUNCTION approval.lock_reach(p_is_policy boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key constant bigint := hashtextextended('approval.request_reach', 0);
BEGIN
    IF p_is_policy THEN
        PERFORM pg_advisory_xact_lock(key);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(key);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.lock_reach IS
    'Internal: until the transaction ends, no group of minions changes while requests are stored, and (p_is_policy) the other way '
    'round: table request_reach would miss what neither sees of the other.';
