CREATE OR REPLACE FUNCTION approval.put_minions(p_minion_ids text[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    added text[];
BEGIN
    WITH new AS (
        INSERT INTO approval.minion AS m (minion_id, registered_at)
        SELECT DISTINCT given.minion_id, moment FROM unnest(p_minion_ids) AS given (minion_id)
        -- One that comes back is a new one: with which key and on which machine, is yet to be seen.
        ON CONFLICT (minion_id) DO UPDATE
        SET registered_at = excluded.registered_at, removed_at = NULL, key_digest = NULL, machine_id = NULL
        WHERE m.removed_at IS NOT NULL
        RETURNING m.minion_id
    )
    SELECT array_agg(minion_id ORDER BY minion_id COLLATE "C") INTO added FROM new;
    IF added IS NOT NULL THEN
        PERFORM approval.audit_append(0, moment, 'minions-added', NULL, NULL, NULL, jsonb_build_object('minions', added));
    END IF;
    RETURN coalesce(cardinality(added), 0);
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP005',
        MESSAGE = 'a minion id is empty, longer than 255 bytes, or holds a slash or line break';
END
$$;
COMMENT ON FUNCTION approval.put_minions IS
    'Registers minions, so that requests may name them, also such as were removed before: nothing is approved for them then. Gives '
    'how many are new. Raises AP005. Definer: tables are private.';
