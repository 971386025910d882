CREATE OR REPLACE FUNCTION approval.amount_of(p_amount jsonb, p_total integer) RETURNS numeric
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE jsonb_typeof(p_amount)
    WHEN 'number' THEN p_amount::numeric
    WHEN 'string' THEN rtrim(p_amount #>> '{}', '%')::numeric * p_total / 100 END
$$;
COMMENT ON FUNCTION approval.amount_of IS
    'Internal: a number of minions as a rollout gives it, 5 or "5%" of so many, not rounded; NULL: it gives none.';
