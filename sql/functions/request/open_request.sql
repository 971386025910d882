CREATE OR REPLACE FUNCTION approval.open_request(
    p_requester_id bigint, p_requester text, p_identity text, p_assurance text, p_type approval.request_type, p_reason text,
    p_minions text[], p_kinds text[], p_names text[], p_values text[],
    p_after timestamptz, p_source text, p_external_ref text, p_on_behalf_of bigint, p_overlap text,
    p_reverts bigint, p_renews bigint, p_rollout jsonb DEFAULT NULL, p_proof jsonb DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    checked record := approval.check_items(p_type, p_minions, p_kinds, p_names, p_values);
    contents text[] := approval.full_contents(p_type.type_name, p_type.type_version, p_kinds, checked.contents);
    plain_digest text := approval.item_set_digest(p_type.type_name, p_after, p_minions, p_kinds, p_names, checked.types, contents);
    salt bytea := approval.salt_of(plain_digest, p_kinds, p_names, p_requester_id, p_reverts, p_renews);
    set_digest text := approval.salted_digest(plain_digest, salt);
    reference text := regexp_replace(p_external_ref, E'^\\s+|\\s+$', '', 'g');
    existing record;
    new_id bigint;
    overlap text;
BEGIN
    PERFORM approval.check_actions(p_type, p_kinds, p_names, checked.contents);
    IF p_renews IS NULL THEN
        PERFORM approval.rollout_for(p_type, p_rollout, p_minions);
    END IF;
    PERFORM approval.check_after(p_after, moment);
    IF coalesce(p_source, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the request does not say which system it comes from';
    END IF;
    IF p_overlap NOT IN ('supersede', 'wait') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('an overlap is resolved by supersede or wait, not %L', p_overlap);
    END IF;
    -- Two submissions of one reference wait for each other here, so that the second finds the first.
    IF reference = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the reference to another system is empty',
            HINT = 'Leave it out where there is none.';
    ELSIF reference IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_source || '/' || lower(reference), 0));
        -- The same is what was asked for, whatever its type has added to it since. Before 0.2.0 both it and the reference were kept
        -- as they were spelled.
        SELECT r.request_id, r.requester_id, r.rollout IS NOT DISTINCT FROM p_rollout AND CASE WHEN s.arguments_complete
            THEN s.digest = approval.salted_digest(approval.item_set_digest(
                p_type.type_name, p_after, p_minions, p_kinds, p_names, checked.types,
                approval.full_contents(r.type_name, r.type_version, p_kinds, checked.contents)), s.salt)
            ELSE s.digest IN (
                approval.item_set_digest(p_type.type_name, p_after, p_minions, p_kinds, p_names, checked.types, checked.contents),
                approval.item_set_digest(p_type.type_name, p_after, p_minions, p_kinds, p_names, checked.types, ARRAY(
                    SELECT CASE WHEN given.kind IN ('value', 'action') THEN given.spelled ELSE given.content END
                    FROM unnest(p_kinds, p_values, checked.contents) WITH ORDINALITY AS given (kind, spelled, content, ordinal)
                    ORDER BY given.ordinal))) END AS is_same
        INTO existing
        FROM approval.request AS r JOIN approval.item_set AS s ON s.request_id = r.request_id AND s.item_set_version = 1
        WHERE r.source = p_source AND lower(r.external_ref) IN (lower(reference), lower(p_external_ref))
        ORDER BY r.external_ref <> p_external_ref, r.external_ref <> reference, r.request_id LIMIT 1;
        IF existing.is_same AND existing.requester_id = p_requester_id THEN
            RETURN existing.request_id;
        ELSIF existing.request_id IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'AP013',
                MESSAGE = format('%s %s is request %s already, %s', p_source, reference, existing.request_id,
                                 CASE WHEN existing.requester_id = p_requester_id THEN 'with another content'
                                     ELSE (SELECT format('by another requester, %s', p.name) FROM approval.principal AS p
                                           WHERE p.principal_id = existing.requester_id) END),
                HINT = 'If that is not the same change, use another reference.';
        END IF;
    END IF;

    INSERT INTO approval.request
        (type_name, type_version, state, requester_id, on_behalf_of, assurance, reason, source, external_ref, not_before,
         item_set_version, reviewed_version, submitted_at, expires_at, reverts, renews, rollout)
    VALUES (p_type.type_name, p_type.type_version, 'pending', p_requester_id, p_on_behalf_of, p_assurance, coalesce(p_reason, ''),
            p_source, reference, p_after, 1, 1, moment, moment + p_type.max_open, p_reverts, p_renews, p_rollout)
    RETURNING request_id INTO new_id;
    PERFORM approval.freeze_chain(new_id, p_type, p_minions, moment);
    PERFORM approval.put_items(new_id, 1, set_digest, p_minions, p_kinds, p_names, checked.types, contents, moment,
                               salt);
    UPDATE approval.request_overlap SET resolution = p_overlap WHERE request_id = new_id;
    -- A package that a minion has and may keep, or had before, is not refused because the repositories moved on.
    IF p_renews IS NULL THEN
        PERFORM approval.check_catalogs(new_id, 1, p_type, p_reverts IS NULL, p_minions, p_kinds, p_names, contents);
    END IF;
    PERFORM approval.audit_append(new_id, moment, 'submitted', p_requester, p_identity, p_assurance,
        jsonb_build_object('type', p_type.type_name, 'type_version', p_type.type_version, 'items', cardinality(p_minions),
                           'digest', set_digest, 'after', p_after, 'reason', coalesce(p_reason, ''), 'source', p_source,
                           'external_ref', reference, 'on_behalf_of', p_on_behalf_of, 'reverts', p_reverts, 'renews', p_renews,
                           'rollout', p_rollout,
                           'overlaps', (SELECT jsonb_agg(other_id ORDER BY other_id) FROM approval.request_overlap
                                        WHERE request_id = new_id))
        || CASE WHEN p_proof IS NULL THEN '{}' ELSE jsonb_build_object('proof', p_proof) END);
    IF p_type.pre_approved THEN
        overlap := approval.unresolved_overlap(new_id);
        IF overlap IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'AP018', MESSAGE = format('it cannot be approved at once: %s', overlap),
                HINT = 'Say whether it shall supersede the other, or submit it when that is done.';
        END IF;
        PERFORM approval.approve_request(new_id);
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION approval.open_request IS
    'Internal: makes a request: the part that all ways of submitting have in common. p_proof: the session or the token by which '
    'somebody asks, for the audit.';
