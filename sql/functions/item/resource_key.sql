-- Without a search_path of its own, so that the planner inlines it. An index has it: a change here needs a migration that builds
-- that anew.
CREATE OR REPLACE FUNCTION approval.resource_key(p_kind text, p_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE p_kind
    WHEN 'package' THEN pg_catalog.lower(pg_catalog.regexp_replace(p_name,
        E':[A-Za-z0-9._-]+$|\\.(noarch|x86_64(_v[234])?|i[3-6]86|amd64|aarch64|arm64|armv[5-8]h?n?l'
        '|armhfp|ppc64(le)?|ppc|s390x?|riscv64|loongarch64|ia64)$', ''))
    WHEN 'service' THEN pg_catalog.lower(pg_catalog.regexp_replace(p_name, E'\\.service$', ''))
    ELSE p_name END
$$;
COMMENT ON FUNCTION approval.resource_key IS
    'The part that names of one thing have in common: hello, Hello, hello:amd64 and hello.x86_64; cron and cron.service. Two names '
    'may mean one thing where this is equal and approval.may_be_one is true.';
