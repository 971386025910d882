CREATE OR REPLACE FUNCTION approval.salted_digest(p_digest text, p_salt bytea) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN p_salt IS NULL THEN p_digest
    ELSE 'sha256:' || encode(sha256(approval.field('apv1-salted') || p_salt || approval.field(p_digest)), 'hex') END
$$;
COMMENT ON FUNCTION approval.salted_digest IS
    'The digest of an item set, of its digest without salt (see approval.item_set_digest) and its salt, if it has one.';
