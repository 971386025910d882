CREATE OR REPLACE FUNCTION approval.when_text(p_at timestamptz) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
-- In UTC, whatever the session's zone: the text may be kept. The command shows it in the reader's zone.
SELECT to_char(p_at AT TIME ZONE 'UTC', 'Dy YYYY-MM-DD HH24:MI "UTC"')
$$;
COMMENT ON FUNCTION approval.when_text IS 'Internal: a time for people, as in "Sat 2026-12-05 22:00 UTC", in all texts.';
