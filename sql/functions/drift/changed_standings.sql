CREATE OR REPLACE FUNCTION approval.changed_standings() RETURNS text[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT ARRAY(
    SELECT unnest(c.minions) FROM approval.standing_change AS c
    UNION
    SELECT k.minion_id FROM approval.minion_standing AS k WHERE k.valid_until < 'infinity' AND k.valid_until <= now())
$$;
COMMENT ON FUNCTION approval.changed_standings IS
    'Internal: the minions of which table minion_standing may be wrong by now.';
