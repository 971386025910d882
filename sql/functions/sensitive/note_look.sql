CREATE OR REPLACE FUNCTION approval.note_look(p_provider text, p_subject text, p_request_id bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    RETURN approval.note_look_as(
        actor.principal_id, actor.name, p_provider || ':' || p_subject, actor.assurance, p_request_id);
END
$$;
COMMENT ON FUNCTION approval.note_look IS
    'Records in the audit that somebody looks at the sensitive values of a request; gives the number by which '
    'approval.show_values then shows them. Raises AP001, AP002, AP014, AP015, AP020, AP025. Definer: nobody writes the audit '
    'otherwise.';
