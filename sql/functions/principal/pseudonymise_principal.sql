CREATE OR REPLACE FUNCTION approval.pseudonymise_principal(p_name text, p_reason text, p_dry_run boolean DEFAULT false)
    RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person approval.principal;
    open_ones text;
    answer jsonb;
BEGIN
    IF coalesce(btrim(p_reason), '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'replacing a name needs a reason: it is recorded for good';
    END IF;
    SELECT * INTO person FROM approval.principal AS p WHERE p.name = p_name FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('there is no principal %s', quote_nullable(p_name)),
            HINT = 'If the name was replaced before, it is done: salt-approval audit trail has the acts pseudonymised.';
    ELSIF person.pseudonymised_at IS NOT NULL THEN
        RETURN jsonb_build_object('principal', person.name, 'at', person.pseudonymised_at,
                                  'replaced', '{}'::jsonb, 'dropped', '{}'::jsonb, 'left', '{}'::jsonb);
    ELSIF person.kind <> 'person' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('%s is a %s, and no person', person.name, person.kind);
    ELSIF person.disabled_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('%s can still act', person.name),
            HINT = 'Disable the principal first: disabled: true in the policy.';
    ELSIF strpos(lower(p_reason), lower(person.name)) > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('the reason names %s, and would keep the name', person.name);
    END IF;
    SELECT string_agg(o.request_id::text, ', ' ORDER BY o.request_id) INTO open_ones
    FROM (SELECT r.request_id FROM approval.request AS r JOIN approval.request_state AS s USING (state)
          WHERE NOT s.is_closed AND person.principal_id IN (r.requester_id, r.on_behalf_of)
          ORDER BY r.request_id LIMIT 10) AS o;
    IF open_ones IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('requests that %s asked for, or that are for them, are open: %s', person.name, open_ones),
            HINT = 'Wait for their end, or end them: salt-approval cancel, or revert.';
    END IF;
    SELECT string_agg(o.request_id::text, ', ' ORDER BY o.request_id) INTO open_ones
    FROM (SELECT DISTINCT a.request_id FROM approval.asked AS a JOIN approval.request AS r USING (request_id)
          WHERE a.principal_id = person.principal_id AND r.state = 'pending' ORDER BY a.request_id LIMIT 10) AS o;
    IF open_ones IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('%s is asked to decide on requests that wait: %s', person.name, open_ones),
            HINT = 'Who is disabled is told within the hour that nothing waits for them any more: then try again.';
    END IF;
    BEGIN
        answer := approval.replace_name(person, p_reason);
        IF p_dry_run THEN
            RAISE EXCEPTION USING ERRCODE = 'UNDID';
        END IF;
    EXCEPTION WHEN SQLSTATE 'UNDID' THEN
        -- All of it is taken back; the number of the pseudonym is used up.
        RETURN answer - '{principal,at}'::text[];
    END;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION approval.pseudonymise_principal IS
    'Replaces the name of a person who is gone by a pseudonym, wherever it stands by itself, with accounts and addresses; '
    'identities, contacts and memberships are dropped. Entries of the audit keep their hashes, and an act pseudonymised vouches '
    'for their new content. Gives {principal, at, replaced, dropped, left}: the pseudonym, since when, and numbers of rows by '
    'table; left: what still has the name. p_dry_run: nothing is changed. One who has a pseudonym keeps it. Raises AP005, AP006, '
    'AP017. Definer: policy changes are audited, and nobody changes entries otherwise.';
