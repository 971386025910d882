CREATE OR REPLACE FUNCTION approval.note_change(p_streams bigint[]) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
INSERT INTO approval.change (stream, changed_xid)
SELECT DISTINCT s.stream, pg_current_xact_id() FROM unnest(p_streams) AS s (stream)
-- Once for a transaction, as others see all of it at once.
ON CONFLICT (stream, changed_xid) DO NOTHING
$$;
COMMENT ON FUNCTION approval.note_change IS
    'Internal: this transaction changes what pages show of these requests (0: of what waits for people). Whoever writes something '
    'that a page shows, and no act of the audit, has to call it; approval.audit_append does for acts. It waits for nobody.';
