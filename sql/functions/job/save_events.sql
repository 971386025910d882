CREATE OR REPLACE FUNCTION approval.save_events(p_tags text[], p_data bytea[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stored integer;
BEGIN
    INSERT INTO approval.event (received_at, tag, data)
    SELECT now(), given.tag, given.data FROM unnest(p_tags, p_data) AS given (tag, data);
    GET DIAGNOSTICS stored = ROW_COUNT;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION approval.save_events IS
    'Keeps events (parallel arrays; data as msgpack in an LZ4 frame); gives how many. Definer: tables are private.';
