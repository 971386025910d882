CREATE OR REPLACE FUNCTION approval.list_freezes()
    RETURNS TABLE (freeze text, starts_at timestamptz, ends_at timestamptz, type text, minion_group text, reason text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT f.freeze_name, f.starts_at, f.ends_at, f.type_name, f.minion_group, f.reason
FROM approval.freeze AS f WHERE f.ends_at > now() ORDER BY f.starts_at, f.freeze_name
$$;
COMMENT ON FUNCTION approval.list_freezes IS 'Freezes that are on or to come. Definer: tables are private.';
