CREATE OR REPLACE FUNCTION approval.review_request(p_provider text, p_subject text, p_request_id bigint, p_comment text)
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    target approval.request;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    target := approval.lock_request(p_request_id, actor.principal_id);
    PERFORM approval.check_review(target, actor.principal_id, actor.assurance);
    PERFORM approval.record_review(target, actor.principal_id, p_provider, p_subject, actor.assurance, p_comment);
END
$$;
COMMENT ON FUNCTION approval.review_request IS
    'The review that an emergency needs afterwards, by one of the type''s review group who had no part in it. Raises AP001, AP002, '
    'AP006-AP010, AP014. Definer: tables are private.';
