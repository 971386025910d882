-- What is asked for is checked whole: names that may mean one thing, references that differ in letter case, and what a revert leaves out.
CREATE OR REPLACE FUNCTION approval.resource_key(p_kind text, p_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE p_kind
    WHEN 'package' THEN pg_catalog.lower(pg_catalog.regexp_replace(p_name,
        ':[A-Za-z0-9._-]+$|\.(noarch|x86_64(_v[234])?|i[3-6]86|amd64|aarch64|arm64|armv[5-8]h?n?l|armhfp|ppc64(le)?|ppc|s390x?|riscv64|loongarch64|ia64)$', ''))
    WHEN 'service' THEN pg_catalog.lower(pg_catalog.regexp_replace(p_name, '\.service$', ''))
    ELSE p_name END
$$;

CREATE INDEX item_open_key ON approval.item (minion_id, kind, approval.resource_key(kind, name)) WHERE state IN ('proposed', 'approved');

CREATE INDEX request_external_key ON approval.request (source, lower(external_ref)) WHERE external_ref IS NOT NULL;
COMMENT ON COLUMN approval.request.external_ref IS
    'Its key there, without spaces around it; the same (source, external_ref) again, in whatever letter case, is the same request.';

CREATE TABLE approval.request_left_out (
    request_id bigint NOT NULL REFERENCES approval.request,
    minion_id text NOT NULL REFERENCES approval.minion,
    kind text NOT NULL,
    name text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (request_id, minion_id, kind, name)
);
COMMENT ON TABLE approval.request_left_out IS 'What a revert was asked to take back and cannot, and why: it is about the rest.';

-- It gives the contents as well now.
DROP FUNCTION IF EXISTS approval.check_items(approval.request_type, text[], text[], text[], text[]);
