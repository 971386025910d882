CREATE OR REPLACE FUNCTION approval.asked_content(p_item approval.item) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN p_item.kind <> 'action' THEN p_item.content
    ELSE (p_item.content::jsonb - ARRAY(SELECT jsonb_object_keys(coalesce(t.action -> 'kwarg', '{}'))))::text END
FROM approval.request AS r JOIN approval.request_type AS t USING (type_name, type_version)
WHERE r.request_id = p_item.request_id
$$;
COMMENT ON FUNCTION approval.asked_content IS
    'Internal: the content of an item without the arguments that its type fixed: what another version of the type is asked for '
    'anew.';
