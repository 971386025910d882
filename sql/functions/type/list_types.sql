CREATE OR REPLACE FUNCTION approval.list_types()
    RETURNS TABLE (type text, version integer, title text, kind text, pre_approved boolean, requesters text[], chain jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT t.type_name, t.type_version, t.title, t.kind, t.pre_approved, t.requesters, t.definition -> 'chain'
FROM approval.newest_type AS t
ORDER BY t.type_name
$$;
COMMENT ON FUNCTION approval.list_types IS 'The request types as they stand, with their chains. Definer: tables are private.';
