CREATE OR REPLACE FUNCTION approval.mentions(p_json text, p_words text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (SELECT FROM unnest(p_words) AS w (word) WHERE strpos(p_json, to_json(w.word)::text) > 0)
$$;
COMMENT ON FUNCTION approval.mentions IS 'Internal: one of the words is a whole string in this JSON.';
