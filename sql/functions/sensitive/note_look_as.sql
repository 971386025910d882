CREATE OR REPLACE FUNCTION approval.note_look_as(
    p_principal_id bigint, p_principal text, p_identity text, p_assurance text, p_request_id bigint, p_proof jsonb DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target approval.request;
    moment timestamptz;
    new_no bigint;
BEGIN
    target := approval.lock_request(p_request_id, p_principal_id);
    moment := clock_timestamp();
    IF NOT approval.may_read(p_principal_id, 'values', p_request_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP025',
            MESSAGE = format('the values of request %s are for those who may read them', p_request_id),
            HINT = 'Who that is stands in the policy, under readers.';
    ELSIF NOT approval.names_sensitive(p_request_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP015',
            MESSAGE = format('nothing of request %s is sensitive: all is shown with it', p_request_id);
    END IF;
    INSERT INTO approval.look (request_id, principal_id, login, looked_at, xid)
    VALUES (p_request_id, p_principal_id, session_user::regrole, moment, pg_current_xact_id())
    RETURNING look_no INTO new_no;
    PERFORM approval.audit_append(
        p_request_id, moment, 'values-shown', p_principal, p_identity, p_assurance,
        jsonb_build_object('look', new_no, 'version', target.item_set_version)
        || CASE WHEN p_proof IS NULL THEN '{}' ELSE jsonb_build_object('proof', p_proof) END);
    RETURN new_no;
END
$$;
COMMENT ON FUNCTION approval.note_look_as IS
    'Internal: see approval.note_look: the part that all ways of looking have in common. p_proof: the session or the token by '
    'which somebody looks, for the audit.';
