CREATE OR REPLACE FUNCTION approval.amend_request(
    p_provider text, p_subject text, p_request_id bigint, p_minions text[], p_kinds text[], p_names text[], p_values text[],
    p_comment text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    actor record;
    target approval.request;
    kind approval.request_type;
    checked record;
    contents text[];
    set_digest text;
    adds boolean;
    new_version integer;
    resolutions jsonb;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    target := approval.lock_request(p_request_id);
    moment := clock_timestamp();
    IF actor.principal_id <> target.requester_id AND actor.principal_id IS DISTINCT FROM target.on_behalf_of THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002', MESSAGE = format('only who asked for request %s may amend it', p_request_id);
    END IF;
    IF target.state <> 'pending' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s is %s: it can no longer be amended', p_request_id, target.state),
            HINT = 'Submit another one.';
    END IF;
    SELECT * INTO STRICT kind FROM approval.request_type
    WHERE type_name = target.type_name AND type_version = target.type_version;
    checked := approval.check_items(kind, p_minions, p_kinds, p_names, p_values);
    PERFORM approval.check_actions(kind, p_kinds, p_names, checked.contents);
    PERFORM approval.rollout_for(kind, target.rollout, p_minions);
    contents := approval.full_contents(kind.type_name, kind.type_version, p_kinds, checked.contents);
    set_digest := approval.item_set_digest(
        kind.type_name, target.not_before, p_minions, p_kinds, p_names, checked.types, contents);
    IF set_digest = (SELECT digest FROM approval.item_set
                     WHERE request_id = p_request_id AND item_set_version = target.item_set_version) THEN
        RETURN target.item_set_version;
    END IF;
    adds := EXISTS (
        SELECT FROM unnest(p_minions, p_kinds, p_names, checked.types, contents) AS given (minion_id, kind, name, type, content)
        WHERE approval.item_digest(given.minion_id, given.kind, given.name, given.type, given.content) NOT IN (
            SELECT i.digest FROM approval.item AS i
            WHERE i.request_id = p_request_id AND i.item_set_version = target.item_set_version));
    new_version := target.item_set_version + 1;
    UPDATE approval.item SET state = 'void' WHERE request_id = p_request_id AND state = 'proposed';
    -- Its overlaps are found anew; resolutions stay where the items only became fewer.
    SELECT coalesce(jsonb_object_agg(other_id, resolution), '{}') INTO resolutions FROM approval.request_overlap
    WHERE request_id = p_request_id AND NOT adds;
    DELETE FROM approval.request_overlap WHERE request_id = p_request_id;
    PERFORM approval.put_items(p_request_id, new_version, set_digest, p_minions, p_kinds, p_names, checked.types, contents, moment);
    UPDATE approval.request_overlap SET resolution = resolutions ->> other_id::text WHERE request_id = p_request_id;
    PERFORM approval.check_catalogs(
        p_request_id, new_version, kind, target.reverts IS NULL AND target.renews IS NULL, p_minions, p_kinds, p_names, contents);
    UPDATE approval.request
    SET item_set_version = new_version, reviewed_version = CASE WHEN adds THEN new_version ELSE reviewed_version END
    WHERE request_id = p_request_id;
    IF adds THEN
        PERFORM approval.freeze_chain(p_request_id, kind, p_minions, moment);
    END IF;
    PERFORM approval.audit_append(p_request_id, moment, 'amended', actor.name, p_provider || ':' || p_subject, actor.assurance,
        jsonb_build_object('version', new_version, 'items', cardinality(p_minions), 'digest', set_digest, 'decisions_void', adds,
                           'comment', coalesce(p_comment, '')));
    RETURN new_version;
END
$$;
COMMENT ON FUNCTION approval.amend_request IS
    'Gives a pending request another set of items, by who asked; gives its version. Decisions made so far stay if it only takes '
    'items away, and are void if it adds or changes any. Raises AP001, AP002, AP004-AP006, AP014, AP015. Definer: nobody writes '
    'requests otherwise.';
