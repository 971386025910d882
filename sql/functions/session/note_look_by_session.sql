CREATE OR REPLACE FUNCTION approval.note_look_by_session(p_token bytea, p_request_id bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_by_session(p_token, 'read');
    RETURN approval.note_look_as(actor.principal_id, actor.name, actor.provider || ':' || actor.subject, actor.assurance,
                                 p_request_id, actor.proof);
END
$$;
COMMENT ON FUNCTION approval.note_look_by_session IS
    'Records in the audit that the person whose session has this token looks at the sensitive values of a request, see '
    'approval.note_look. Raises AP001, AP002, AP014, AP015, AP020-AP022, AP025. Definer: nobody writes the audit otherwise.';
