CREATE OR REPLACE FUNCTION approval.export_audit_by_session(p_token bytea) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT line FROM approval.acting_by_session(p_token) AS actor
CROSS JOIN LATERAL approval.export_audit(actor.principal_id) AS line
$$;
COMMENT ON FUNCTION approval.export_audit_by_session IS
    'The whole audit as JSON lines, for a person with a session: see approval.export_audit. Raises AP001, AP002, AP020, AP021, '
    'AP025. Definer: tables are private.';
