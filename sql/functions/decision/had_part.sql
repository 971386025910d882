CREATE OR REPLACE FUNCTION approval.had_part(p_request approval.request, p_principal bigint) RETURNS boolean
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT p_principal IN (p_request.requester_id, coalesce(p_request.on_behalf_of, p_request.requester_id))
    OR approval.is_editor(p_request.request_id, p_principal)
    OR EXISTS (SELECT FROM approval.decision AS d WHERE d.request_id = p_request.request_id
        AND p_principal IN (d.principal_id, d.counts_for))
    OR EXISTS (SELECT FROM approval.audit_entry AS e JOIN approval.principal AS p ON p.name = e.principal
               WHERE e.stream = p_request.request_id AND e.act = 'glass-broken' AND p.principal_id = p_principal)
$$;
COMMENT ON FUNCTION approval.had_part IS
    'Internal: this principal asked for the request or changed what it asks for, decided on it, or broke the glass for it, and '
    'so may not review it.';
