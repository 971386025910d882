CREATE OR REPLACE FUNCTION approval.partitions_of(p_parent text) RETURNS TABLE (partition text, since date, until date)
    -- Bounds are days of UTC, as text (a jid) or as times.
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
SELECT c.relname, to_date(right(c.relname, 8), 'YYYYMMDD'),
    (regexp_match(pg_get_expr(c.relpartbound, c.oid), E'TO \\(''(.*)''\\)'))[1]::timestamptz::date
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = format('approval.%I', p_parent)::regclass AND c.relname ~ '_[0-9]{8}$'
$$;
COMMENT ON FUNCTION approval.partitions_of IS
    'Internal: the partitions of a table but its default one: from which day on, and until which, that day not included.';
