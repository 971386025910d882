CREATE OR REPLACE FUNCTION approval.lock_minions(p_minions text[]) RETURNS timestamptz
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- In one order, so that two requests over the same minions wait for each other instead of deadlocking. Here and wherever a
    -- request is locked, no key: with a lock that keeps off foreign keys' checks, two that already wrote items would deadlock.
    PERFORM FROM approval.minion WHERE minion_id = ANY (p_minions) ORDER BY minion_id FOR NO KEY UPDATE;
    -- Not the start of the transaction: of two that met here, who comes second must also be the later.
    RETURN clock_timestamp();
END
$$;
COMMENT ON FUNCTION approval.lock_minions IS
    'Internal: orders those who write documents of these minions, until the transaction ends; gives the time at which it had them '
    'all.';
