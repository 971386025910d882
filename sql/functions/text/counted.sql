CREATE OR REPLACE FUNCTION approval.counted(p_count bigint, p_noun text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT format('%s %s%s', p_count, p_noun, CASE WHEN p_count = 1 THEN '' ELSE 's' END)
$$;
COMMENT ON FUNCTION approval.counted IS 'Internal: so many of a thing, for people: "1 minion", "3 minions".';
