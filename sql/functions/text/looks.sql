CREATE OR REPLACE FUNCTION approval.looks(p_name text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT btrim(regexp_replace(normalize(lower(regexp_replace(
    normalize(p_name, NFKC), E'[\\u00ad\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\ufeff]', '', 'g')), NFKC), E'\\s+', ' ', 'g'))
$$;
COMMENT ON FUNCTION approval.looks IS
    'Internal: a key that is equal for names that people would take for one: letter case, spaces around, characters that are not '
    'seen or that can be written in several ways make no difference.';
