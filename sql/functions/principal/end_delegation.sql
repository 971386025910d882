CREATE OR REPLACE FUNCTION approval.end_delegation(p_provider text, p_subject text, p_delegation_id bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    actor record;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    PERFORM FROM approval.delegation WHERE delegation_id = p_delegation_id AND from_principal = actor.principal_id FOR UPDATE;
    moment := clock_timestamp();
    UPDATE approval.delegation
    SET starts_at = least(starts_at, moment - interval '1 microsecond'), ends_at = moment
    WHERE delegation_id = p_delegation_id AND from_principal = actor.principal_id AND ends_at > moment;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM approval.audit_append(0, moment, 'delegation-ended', actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('delegation', p_delegation_id));
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.end_delegation IS
    'Ends a delegation of one''s own before its time; gives whether it was still open. Raises AP001, AP002. Definer: tables are '
    'private.';
