CREATE OR REPLACE FUNCTION approval.has_part(p_request approval.request, p_principal bigint) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.had_part(p_request, p_principal) OR coalesce(p_request.review_by = p_principal, false) OR EXISTS (
    SELECT FROM approval.membership AS m
    WHERE m.principal_id IN (
            SELECT p_principal
            UNION ALL
            SELECT d.from_principal FROM approval.delegation AS d
            WHERE d.to_principal = p_principal AND d.starts_at <= now() AND d.ends_at > now())
        AND m.group_name IN (
            SELECT q.group_name FROM approval.request_quorum AS q WHERE q.request_id = p_request.request_id
            UNION ALL
            SELECT s.escalate_to FROM approval.request_stage AS s WHERE s.request_id = p_request.request_id
            UNION ALL
            SELECT t.review_group FROM approval.request_type AS t
            WHERE t.type_name = p_request.type_name AND t.type_version = p_request.type_version
            UNION ALL
            SELECT o.plan #>> '{resume,group}' FROM approval.rollout AS o WHERE o.request_id = p_request.request_id))
$$;
COMMENT ON FUNCTION approval.has_part IS
    'Internal: this principal had a part in the request (see had_part), reviewed it, or is one of those, or stands in for one of '
    'those, who decide at one of its stages, review it, or let its rollout go on. They see what they decide on, whoever may read '
    'it else.';
