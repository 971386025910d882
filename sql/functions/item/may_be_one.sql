-- Without a search_path of its own, so that the planner inlines it.
CREATE OR REPLACE FUNCTION approval.may_be_one(p_kind text, p_name text, p_other text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT p_name OPERATOR(pg_catalog.=) p_other
    OR approval.resource_key(p_kind, p_name) OPERATOR(pg_catalog.=) approval.resource_key(p_kind, p_other)
    AND (p_kind OPERATOR(pg_catalog.<>) 'package'
         -- The architecture that a name ends in; a name without one can be of any, and so are those of dpkg that say so.
         OR pg_catalog.lower(pg_catalog.substr(
                p_name, pg_catalog.length(approval.resource_key(p_kind, p_name)) OPERATOR(pg_catalog.+) 2))
            OPERATOR(pg_catalog.=)
            pg_catalog.lower(pg_catalog.substr(
                p_other, pg_catalog.length(approval.resource_key(p_kind, p_other)) OPERATOR(pg_catalog.+) 2))
         OR pg_catalog.lower(pg_catalog.substr(
                p_name, pg_catalog.length(approval.resource_key(p_kind, p_name)) OPERATOR(pg_catalog.+) 2))
            IN ('', 'any', 'native')
         OR pg_catalog.lower(pg_catalog.substr(
                p_other, pg_catalog.length(approval.resource_key(p_kind, p_other)) OPERATOR(pg_catalog.+) 2))
            IN ('', 'any', 'native'))
$$;
COMMENT ON FUNCTION approval.may_be_one IS
    'Whether two names of resources of a kind may mean one thing on a minion: letter case aside, and hello may be hello:amd64 as '
    'well as hello:i386, which are two.';
