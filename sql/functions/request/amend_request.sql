CREATE OR REPLACE FUNCTION approval.amend_request(
    p_provider text, p_subject text, p_request_id bigint, p_minions text[], p_kinds text[], p_names text[], p_values text[],
    p_comment text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    actor record;
    target approval.request;
    made record;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    target := approval.lock_request(p_request_id, actor.principal_id);
    moment := clock_timestamp();
    IF actor.principal_id <> target.requester_id AND actor.principal_id IS DISTINCT FROM target.on_behalf_of THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002', MESSAGE = format('only who asked for request %s may amend it', p_request_id);
    END IF;
    IF target.state <> 'pending' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s is %s: it can no longer be amended', p_request_id, target.state),
            HINT = 'Submit another one.';
    END IF;
    IF EXISTS (SELECT FROM approval.ticket_request AS t WHERE t.request_id = p_request_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s is what a ticket asks for: it is amended by changing that', p_request_id);
    END IF;
    made := approval.replace_items(target, p_minions, p_kinds, p_names, p_values, target.not_before, false, moment);
    IF made.version = target.item_set_version THEN
        RETURN made.version;
    END IF;
    PERFORM approval.audit_append(p_request_id, moment, 'amended', actor.name, p_provider || ':' || p_subject, actor.assurance,
        jsonb_build_object('version', made.version, 'items', cardinality(p_minions), 'digest', made.digest,
                           'decisions_void', made.voids, 'comment', coalesce(p_comment, '')));
    RETURN made.version;
END
$$;
COMMENT ON FUNCTION approval.amend_request IS
    'Gives a pending request another set of items, by who asked; gives its version. Decisions made so far stay if it only takes '
    'items away, and are void if it adds or changes any. Raises AP001, AP002, AP004-AP006, AP014, AP015. Definer: nobody writes '
    'requests otherwise.';
