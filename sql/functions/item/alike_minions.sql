CREATE OR REPLACE FUNCTION approval.alike_minions(
    p_minions text[], p_kinds text[], p_names text[], p_types text[], p_contents text[])
    RETURNS TABLE (minions bigint, first_minion text, last_minion text)
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
SELECT count(*), min(m.minion_id), max(m.minion_id)
FROM (SELECT g.minion_id COLLATE "C" AS minion_id, sha256(string_agg(
          approval.item_fields(g.kind, g.name, g.type, g.content), ''::bytea
          ORDER BY g.kind COLLATE "C", g.name COLLATE "C")) AS likeness
      FROM unnest(p_minions, p_kinds, p_names, p_types, p_contents) AS g (minion_id, kind, name, type, content)
      GROUP BY g.minion_id) AS m
GROUP BY m.likeness
$$;
COMMENT ON FUNCTION approval.alike_minions IS
    'Internal: the groups of minions of which exactly the same is asked by these items: how many they are, the first and the last '
    'of them by name.';
