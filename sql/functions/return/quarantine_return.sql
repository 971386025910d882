CREATE OR REPLACE FUNCTION approval.quarantine_return(
    p_minion_id text, p_jid text, p_fun text, p_reason text, p_payload bytea, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept constant integer := 100;
    largest constant integer := 1048576;
BEGIN
    INSERT INTO approval.quarantine (minion_id, jid, fun, reason, received_at, payload)
    VALUES (p_minion_id, left(p_jid, 255), left(p_fun, 255), p_reason, p_now,
            CASE WHEN octet_length(p_payload) <= largest THEN p_payload ELSE ''::bytea END);
    DELETE FROM approval.quarantine
    WHERE minion_id = p_minion_id AND entry_no <= (
        SELECT q.entry_no FROM approval.quarantine AS q WHERE q.minion_id = p_minion_id
            ORDER BY q.entry_no DESC OFFSET kept LIMIT 1);
END
$$;
COMMENT ON FUNCTION approval.quarantine_return IS
    'Internal: sets a return aside; the newest hundred per minion are kept, a payload over 1 MiB is not.';
