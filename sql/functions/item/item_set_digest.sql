CREATE OR REPLACE FUNCTION approval.item_set_digest(
    p_type_name text, p_after timestamptz, p_minions text[], p_kinds text[], p_names text[], p_types text[], p_values text[])
    RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT 'sha256:' || encode(sha256(
    approval.field('apv1-items') || approval.field(p_type_name)
    || approval.field(to_char(p_after AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
    || string_agg(entry.digest, ''::bytea ORDER BY entry.digest)), 'hex')
FROM (SELECT approval.item_digest(given.minion_id, given.kind, given.name, given.type, given.content) AS digest
      FROM unnest(p_minions, p_kinds, p_names, p_types, p_values) AS given (minion_id, kind, name, type, content)) AS entry
$$;
COMMENT ON FUNCTION approval.item_set_digest IS
    'Digest of what a request is about: its type, when it takes effect, and every item, in any order.';
