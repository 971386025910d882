CREATE OR REPLACE FUNCTION approval.is_editor(p_request_id bigint, p_principal_id bigint) RETURNS boolean
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT EXISTS (
    SELECT FROM approval.request_editor AS e JOIN approval.identity AS i ON i.provider = e.provider AND i.subject = e.subject
    WHERE e.request_id = p_request_id AND i.principal_id = p_principal_id)
$$;
COMMENT ON FUNCTION approval.is_editor IS
    'Internal: whether a principal changed what a request asks for, in the ticket that it comes from.';
