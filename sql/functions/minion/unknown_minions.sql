CREATE OR REPLACE FUNCTION approval.unknown_minions(p_minions text[]) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT given.minion_id FROM unnest(p_minions) AS given (minion_id)
WHERE NOT EXISTS (SELECT FROM approval.minion AS m WHERE m.minion_id = given.minion_id AND m.removed_at IS NULL)
$$;
COMMENT ON FUNCTION approval.unknown_minions IS
    'Those of these minions that are not known, or were removed. Definer: tables are private.';
