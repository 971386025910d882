CREATE OR REPLACE FUNCTION approval.covered_request(p_shown jsonb, p_is_sensitive boolean) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
WITH covered AS MATERIALIZED (SELECT approval.covered(p_shown) AS shown)
SELECT CASE WHEN NOT p_is_sensitive THEN c.shown ELSE c.shown || (
    -- These are in the words of minions, which may have repeated what they were given.
    SELECT coalesce(jsonb_object_agg(h.key, approval.hidden(jsonb_build_object(h.key, c.shown -> h.key), h.names) -> h.key), '{}')
    FROM (VALUES ('plan', '{old,new,digest}'::text[]), ('rollout', '{reason,text,because}'), ('left_out', '{reason}'),
              ('notes', '{note}'), ('not_renewed', '{not_renewed}')) AS h (key, names)
    WHERE c.shown ? h.key) END
FROM covered AS c
$$;
COMMENT ON FUNCTION approval.covered_request IS
    'Internal: what is shown of a request, see approval.covered; where it asks for something sensitive (see '
    'approval.names_sensitive), also without what minions wrote about it.';
