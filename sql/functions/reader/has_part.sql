CREATE OR REPLACE FUNCTION approval.has_part(p_request approval.request, p_principal bigint, p_voting text[]) RETURNS boolean
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT approval.had_part(p_request, p_principal) OR coalesce(p_request.review_by = p_principal, false)
    OR EXISTS (SELECT FROM approval.request_quorum AS q
               WHERE q.request_id = p_request.request_id AND q.group_name = ANY (p_voting))
    OR EXISTS (SELECT FROM approval.request_stage AS s
               WHERE s.request_id = p_request.request_id AND s.escalate_to = ANY (p_voting))
    OR EXISTS (SELECT FROM approval.request_type AS t
               WHERE t.type_name = p_request.type_name AND t.type_version = p_request.type_version
                   AND t.review_group = ANY (p_voting))
    OR EXISTS (SELECT FROM approval.rollout AS o
               WHERE o.request_id = p_request.request_id AND o.plan #>> '{resume,group}' = ANY (p_voting))
$$;
COMMENT ON FUNCTION approval.has_part IS
    'Internal: this principal had a part in the request (see had_part), reviewed it, or is one of those who decide at one of its '
    'stages, review it, or let its rollout go on, by their voting_groups. They see what they decide on, whoever may read it else.';
