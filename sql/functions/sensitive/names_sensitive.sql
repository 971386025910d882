CREATE OR REPLACE FUNCTION approval.names_sensitive(p_request_id bigint) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM approval.request AS r
    JOIN approval.request_type AS t USING (type_name, type_version)
    JOIN approval.item AS i ON i.request_id = r.request_id AND i.item_set_version = r.item_set_version
    WHERE r.request_id = p_request_id AND EXISTS (SELECT FROM approval.sensitive)
        -- Of packages and services, which are the most, no item is looked at.
        AND t.kind IN ('value', 'action', 'any') AND approval.is_sensitive(i.kind, i.name))
$$;
COMMENT ON FUNCTION approval.names_sensitive IS 'Internal: whether a request asks for something that is sensitive.';
