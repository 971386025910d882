CREATE OR REPLACE FUNCTION approval.sending_paused() RETURNS TABLE (paused_at timestamptz, paused_by text, comment text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT p.paused_at, p.paused_by, p.comment FROM approval.sending_pause AS p
$$;
COMMENT ON FUNCTION approval.sending_paused IS
    'A row while all sending is paused: since when, by whom, and why; else none. Definer: tables are private.';
