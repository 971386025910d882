CREATE OR REPLACE FUNCTION approval.audit_head() RETURNS TABLE (seal_no bigint, sealed_at timestamptz, hash text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT s.seal_no, s.sealed_at, encode(s.hash, 'hex') FROM approval.audit_seal AS s ORDER BY s.seal_no DESC LIMIT 1
$$;
COMMENT ON FUNCTION approval.audit_head IS
    'The end of the global chain, to be published elsewhere: who holds it can tell if what came before was rewritten. Definer: '
    'tables are private.';
