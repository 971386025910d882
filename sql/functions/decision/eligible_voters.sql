CREATE OR REPLACE FUNCTION approval.eligible_voters(p_group text, p_self_approval boolean, p_requester bigint,
    p_on_behalf_of bigint, p_request_id bigint)
    RETURNS SETOF approval.principal
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT p.* FROM approval.membership AS m JOIN approval.principal AS p USING (principal_id)
WHERE m.group_name = p_group AND p.disabled_at IS NULL
    AND (p_self_approval OR (p.principal_id IS DISTINCT FROM p_requester AND p.principal_id IS DISTINCT FROM p_on_behalf_of
        AND NOT approval.is_editor(p_request_id, p.principal_id)))
$$;
COMMENT ON FUNCTION approval.eligible_voters IS
    'Internal: the members of a group who can approve a request that was made by a principal, for another one or (NULL) for '
    'nobody else: those who are not disabled; and, unless its type allows self approval, neither of these two, nor who changed '
    'what it asks for. Without a requester and a request (NULL): of anybody''s request.';
