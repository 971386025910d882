CREATE OR REPLACE FUNCTION approval.review_by_session(p_token bytea, p_request_id bigint, p_comment text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    target approval.request;
BEGIN
    actor := approval.acting_by_session(p_token, 'decide');
    target := approval.lock_request(p_request_id, actor.principal_id);
    -- The same form sent twice is one review.
    IF target.review_by = actor.principal_id THEN
        RETURN;
    END IF;
    PERFORM approval.check_review(target, actor.principal_id, actor.assurance);
    PERFORM approval.record_review(target, actor.principal_id, actor.provider, actor.subject, actor.assurance, p_comment,
                                   actor.proof);
END
$$;
COMMENT ON FUNCTION approval.review_by_session IS
    'A review by the person whose session has this token, as approval.review_request takes it; the same again changes '
    'nothing. Raises AP001, AP002, AP006-AP010, AP014, AP020-AP022. Definer: tables are private.';
