CREATE OR REPLACE FUNCTION approval.jid_is_current(p_jid text, p_first text, p_last text) RETURNS boolean
    -- Without a search_path of its own, so that it is inlined.
    LANGUAGE sql IMMUTABLE AS $$
SELECT p_jid COLLATE "C" >= p_first AND p_jid COLLATE "C" <= p_last
    AND p_jid ~ '^[0-9]{8}([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9][0-9]{6}(_[0-9]+)?$'
$$;
COMMENT ON FUNCTION approval.jid_is_current IS 'Internal: whether this is a jid, and between those two: see approval.kept_jids.';
