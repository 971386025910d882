CREATE OR REPLACE FUNCTION approval.record_review(
    p_request approval.request, p_principal_id bigint, p_provider text, p_subject text, p_assurance text, p_comment text,
    p_proof jsonb DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    UPDATE approval.request SET review_by = p_principal_id, review_at = moment WHERE request_id = p_request.request_id;
    PERFORM approval.audit_append(
        p_request.request_id, moment, 'reviewed',
        (SELECT p.name FROM approval.principal AS p WHERE p.principal_id = p_principal_id), p_provider || ':' || p_subject,
        p_assurance, jsonb_build_object('comment', coalesce(p_comment, ''))
            || CASE WHEN p_proof IS NULL THEN '{}' ELSE jsonb_build_object('proof', p_proof) END);
END
$$;
COMMENT ON FUNCTION approval.record_review IS
    'Internal: keeps a review that approval.check_review allowed. p_proof: how the person was known, for the audit. The caller '
    'holds the request''s lock since the check.';
