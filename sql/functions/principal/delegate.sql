CREATE OR REPLACE FUNCTION approval.delegate(p_provider text, p_subject text, p_to text, p_from timestamptz, p_until timestamptz)
    RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    actor record;
    deputy bigint;
    new_id bigint;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    IF actor.assurance = 'asserted' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP009',
            MESSAGE = 'delegating asks for an identity that is authenticated; this one is only asserted',
            HINT = 'Use your own login.';
    END IF;
    SELECT principal_id INTO deputy FROM approval.principal WHERE name = p_to AND disabled_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP001',
            MESSAGE = format('%s cannot delegate to %s: there is no such principal, or it was disabled', actor.name,
                quote_nullable(p_to));
    ELSIF deputy = actor.principal_id THEN
        RAISE EXCEPTION USING ERRCODE = 'AP001', MESSAGE = format('%s cannot delegate to themselves', actor.name);
    END IF;
    IF p_until IS NULL OR p_until <= greatest(moment, coalesce(p_from, moment)) OR p_until > moment + interval '1 year' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP016', MESSAGE = 'a delegation ends at a time to come, within a year, after it begins';
    END IF;
    INSERT INTO approval.delegation (from_principal, to_principal, starts_at, ends_at, created_at)
    VALUES (actor.principal_id, deputy, coalesce(p_from, moment), p_until, moment)
    RETURNING delegation_id INTO new_id;
    PERFORM approval.audit_append(0, moment, 'delegated', actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('delegation', new_id, 'to', p_to, 'from', coalesce(p_from, moment),
                                      'until', p_until));
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION approval.delegate IS
    'Lets another principal decide in the caller''s stead from p_from (NULL: now) until p_until; gives the delegation''s number. '
    'Raises AP001, AP002, AP009, AP016. Definer: tables are private.';
