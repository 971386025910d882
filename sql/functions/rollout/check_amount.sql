CREATE OR REPLACE FUNCTION approval.check_amount(p_key text, p_amount jsonb, p_least integer) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT format('%s is %s: give a whole number from %s to 1000000, or a share such as "5%%", more than 0%% and at most 100%%',
              p_key, left(p_amount::text, 100), p_least)
WHERE CASE jsonb_typeof(p_amount)
    WHEN 'number' THEN p_amount::numeric <> trunc(p_amount::numeric) OR p_amount::numeric NOT BETWEEN p_least AND 1000000
    WHEN 'string' THEN p_amount #>> '{}' !~ E'^\\d{1,3}(\\.\\d{1,3})?%$'
        OR rtrim(p_amount #>> '{}', '%')::numeric NOT BETWEEN 0.001 AND 100
    ELSE true END
$$;
COMMENT ON FUNCTION approval.check_amount IS
    'Internal: a sentence that says why this is no number of minions that a rollout can give; NULL: it is one.';
