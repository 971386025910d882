CREATE OR REPLACE FUNCTION approval.full_contents(p_type_name text, p_type_version integer, p_kinds text[], p_values text[])
    RETURNS text[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT array_agg(coalesce(merged.content, given.content) ORDER BY given.ordinal)
FROM unnest(p_kinds, p_values) WITH ORDINALITY AS given (kind, content, ordinal)
-- Worked out once for each that differs, as a request over many minions mostly asks the same of all.
LEFT JOIN (
    SELECT asked.content AS asked, approval.action_arguments(p_type_name, p_type_version, asked.content) AS content
    FROM (SELECT DISTINCT a.content FROM unnest(p_kinds, p_values) AS a (kind, content) WHERE a.kind = 'action') AS asked
) AS merged ON given.kind = 'action' AND merged.asked = given.content
$$;
COMMENT ON FUNCTION approval.full_contents IS
    'Internal: contents as items store them: those of actions with the arguments that this version of the type fixes, all others '
    'as given.';
