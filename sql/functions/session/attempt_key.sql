CREATE OR REPLACE FUNCTION approval.attempt_key(p_provider text, p_subject text, p_address text) RETURNS bytea
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT sha256(approval.field(p_provider) || approval.field(coalesce(p_subject, '')) || approval.field(coalesce(p_address, '')))
$$;
COMMENT ON FUNCTION approval.attempt_key IS
    'Internal: the key under which attempts to sign in are counted; NULL for whose or for from where: those of all.';
