CREATE OR REPLACE FUNCTION approval.cancel_request(p_provider text, p_subject text, p_request_id bigint, p_comment text)
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    RETURN approval.cancel_as(actor.principal_id, actor.name, p_provider || ':' || p_subject, actor.assurance, p_request_id,
                              p_comment);
END
$$;
COMMENT ON FUNCTION approval.cancel_request IS
    'Takes a request back, by who asked for it: all of it while it is pending; of an approved one what was not proven, and is not '
    'under way to its minion. Gives cancelled; withdrawn; or partly-withdrawn, where something was sent or applied, and stays. '
    'Raises AP001, AP002, AP006, AP014. Definer: nobody writes requests otherwise.';
