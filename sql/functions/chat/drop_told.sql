CREATE OR REPLACE FUNCTION approval.drop_told(p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept constant interval := interval '30 days';
BEGIN
    DELETE FROM approval.outbox WHERE state = 'delivered' AND destination LIKE 'chat-%' AND delivered_at < p_now - kept;
    DELETE FROM approval.chat_message AS m
    WHERE m.posted_at < p_now - kept
        AND NOT EXISTS (SELECT FROM approval.outbox AS o WHERE o.destination = m.destination AND o.thread = m.thread);
END
$$;
COMMENT ON FUNCTION approval.drop_told IS
    'Internal: drops what people were told by chat 30 days ago, and the ids of first messages of threads without others.';
