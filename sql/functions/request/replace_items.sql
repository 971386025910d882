CREATE OR REPLACE FUNCTION approval.replace_items(
    p_request approval.request, p_minions text[], p_kinds text[], p_names text[], p_values text[], p_after timestamptz,
    p_voids boolean, p_now timestamptz, OUT version integer, OUT digest text, OUT voids boolean)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number constant bigint := p_request.request_id;
    kind approval.request_type;
    checked record;
    contents text[];
    salt bytea;
    resolutions jsonb;
BEGIN
    SELECT * INTO STRICT kind FROM approval.request_type
    WHERE type_name = p_request.type_name AND type_version = p_request.type_version;
    checked := approval.check_items(kind, p_minions, p_kinds, p_names, p_values);
    PERFORM approval.check_actions(kind, p_kinds, p_names, checked.contents);
    PERFORM approval.rollout_for(kind, p_request.rollout, p_minions);
    contents := approval.full_contents(kind.type_name, kind.type_version, p_kinds, checked.contents);
    digest := approval.item_set_digest(kind.type_name, p_after, p_minions, p_kinds, p_names, checked.types, contents);
    salt := approval.salt_of(digest, p_kinds, p_names, p_request.requester_id, p_request.reverts, p_request.renews);
    digest := approval.salted_digest(digest, salt);
    version := p_request.item_set_version;
    IF NOT p_voids AND digest = (SELECT s.digest FROM approval.item_set AS s
                                 WHERE s.request_id = number AND s.item_set_version = version) THEN
        voids := false;
        RETURN;
    END IF;
    voids := p_voids OR EXISTS (
        SELECT FROM unnest(p_minions, p_kinds, p_names, checked.types, contents) AS given (minion_id, kind, name, type, content)
        WHERE approval.item_digest(given.minion_id, given.kind, given.name, given.type, given.content) NOT IN (
            SELECT i.digest FROM approval.item AS i
            WHERE i.request_id = number AND i.item_set_version = p_request.item_set_version));
    version := version + 1;
    UPDATE approval.item SET state = 'void' WHERE request_id = number AND state = 'proposed';
    -- Its overlaps are found anew; resolutions stay where the items only became fewer.
    SELECT coalesce(jsonb_object_agg(other_id, resolution), '{}') INTO resolutions FROM approval.request_overlap
    WHERE request_id = number AND NOT voids;
    DELETE FROM approval.request_overlap WHERE request_id = number;
    PERFORM approval.put_items(number, version, digest, p_minions, p_kinds, p_names, checked.types, contents, p_now, salt);
    UPDATE approval.request_overlap SET resolution = resolutions ->> other_id::text WHERE request_id = number;
    PERFORM approval.check_catalogs(
        number, version, kind, p_request.reverts IS NULL AND p_request.renews IS NULL, p_minions, p_kinds, p_names, contents);
    UPDATE approval.request
    SET item_set_version = version, reviewed_version = CASE WHEN voids THEN version ELSE reviewed_version END, not_before = p_after
    WHERE request_id = number;
    IF voids THEN
        PERFORM approval.freeze_chain(number, kind, p_minions, p_now);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.replace_items IS
    'Internal: gives a pending request another set of items, and another time to take effect; gives its version, its digest, and '
    'whether decisions made so far are void: if it adds or changes any item, or p_voids says so. Without p_voids nothing is done '
    'where the items are the same. The caller holds the request''s lock. Raises AP002, AP004, AP005, AP015.';
