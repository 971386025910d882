CREATE OR REPLACE FUNCTION approval.item_arguments(p_item approval.item) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN p_item.kind <> 'action' OR s.arguments_complete THEN p_item.content
            ELSE approval.action_arguments(r.type_name, r.type_version, p_item.content) END
FROM approval.item_set AS s JOIN approval.request AS r USING (request_id)
WHERE s.request_id = p_item.request_id AND s.item_set_version = p_item.item_set_version
$$;
COMMENT ON FUNCTION approval.item_arguments IS
    'Internal: the content of an item; of an action all arguments as they are sent, also where the item, made before 0.2.0, has '
    'only those that were asked for.';
