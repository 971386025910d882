CREATE OR REPLACE FUNCTION approval.chat_messages(p_destination text, p_threads text)
    RETURNS TABLE (destination text, thread text, ts text, channel text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_reader(p_destination);
    RETURN QUERY
    SELECT m.destination, m.thread, m.ts, m.channel FROM approval.chat_message AS m
    WHERE m.destination = p_destination AND (m.thread = p_threads
        OR right(p_threads, 1) = '/' AND m.thread ^@ p_threads)
    ORDER BY m.thread COLLATE "C";
END
$$;
COMMENT ON FUNCTION approval.chat_messages IS
    'The first messages of a thread at a destination, or of all threads whose names begin with a text that ends in a slash, as in '
    'ask/7/, for their copies to be changed. Raises AP002. Definer: tables are private.';
