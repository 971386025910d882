CREATE OR REPLACE FUNCTION approval.left_out_text(p_minions text[], p_kinds text[], p_names text[], p_reasons text[]) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT string_agg(format('%s %s on %s: %s', l.kind, l.name, l.minion_id, l.reason), '; ' ORDER BY l.place)
    || CASE WHEN cardinality(p_minions) > 5 THEN '; ...' ELSE '' END
FROM unnest(p_minions, p_kinds, p_names, p_reasons) WITH ORDINALITY AS l (minion_id, kind, name, reason, place)
WHERE l.place <= 5
$$;
COMMENT ON FUNCTION approval.left_out_text IS
    'Internal: what of a request cannot be asked for again, and why, for people: the first five items.';
