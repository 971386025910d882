CREATE OR REPLACE FUNCTION approval.list_quarantine(p_minion_id text, p_since timestamptz, p_before bigint, p_limit integer)
    RETURNS TABLE (entry bigint, minion text, jid text, fun text, reason text, received_at timestamptz, size_bytes integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT q.entry_no, q.minion_id, q.jid, q.fun, q.reason, q.received_at, octet_length(q.payload)
FROM approval.quarantine AS q
WHERE (p_minion_id IS NULL OR q.minion_id = p_minion_id) AND (p_since IS NULL OR q.received_at >= p_since)
    AND (p_before IS NULL OR q.entry_no < p_before)
ORDER BY q.entry_no DESC
LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.list_quarantine IS
    'Returns that were put aside, newest first, and why: of a minion (by equality; it may be one that nobody registered), received '
    'since a time. p_before: only entries with a lower number, for the next page. Definer: tables are private.';
