CREATE OR REPLACE FUNCTION approval.resolve_overlap(
    p_provider text, p_subject text, p_request_id bigint, p_other_id bigint, p_resolution text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    actor record;
    target approval.request;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    target := approval.lock_request(p_request_id, actor.principal_id);
    moment := clock_timestamp();
    IF actor.principal_id IS DISTINCT FROM target.requester_id AND actor.principal_id IS DISTINCT FROM target.on_behalf_of THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002',
            MESSAGE = format('only who asked for request %s may resolve what it contradicts', p_request_id);
    END IF;
    IF target.state <> 'pending' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s is %s: there is nothing left to resolve', p_request_id, target.state);
    END IF;
    IF p_resolution IS NULL OR p_resolution NOT IN ('supersede', 'wait') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'an overlap is resolved by supersede or wait';
    END IF;
    -- An approver has also seen what becomes of other requests.
    IF EXISTS (SELECT FROM approval.decision WHERE request_id = p_request_id AND item_set_version >= target.reviewed_version) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP010', MESSAGE = format('request %s was decided on already, as it stands', p_request_id),
            HINT = 'Cancel it and submit it again.';
    END IF;
    UPDATE approval.request_overlap SET resolution = p_resolution WHERE request_id = p_request_id AND other_id = p_other_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014',
            MESSAGE = format('request %s does not contradict request %s', p_request_id, p_other_id);
    END IF;
    PERFORM approval.audit_append(p_request_id, moment, 'overlap-resolved', actor.name,
                                  p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('other', p_other_id, 'resolution', p_resolution));
END
$$;
COMMENT ON FUNCTION approval.resolve_overlap IS
    'Says, before anybody decided, what becomes of another open request that this one contradicts: supersede (this one wins) or '
    'wait (until the other is done). By who asked. Raises AP001, AP002, AP005, AP006, AP010, AP014. Definer: tables are private.';
