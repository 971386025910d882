CREATE OR REPLACE FUNCTION approval.submit_request(
    p_provider text, p_subject text, p_type text, p_reason text,
    p_minions text[], p_kinds text[], p_names text[], p_values text[],
    p_after timestamptz, p_source text, p_external_ref text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := now();
    actor record;
    type approval.request_type;
    given_count integer := coalesce(cardinality(p_minions), 0);
    unknown text;
    types text[];
    set_digest text;
    existing record;
    new_id bigint;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);

    SELECT * INTO type FROM approval.request_type WHERE type_name = p_type ORDER BY type_version DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP003', MESSAGE = format('there is no request type %s', quote_nullable(p_type)),
            HINT = (SELECT 'Types are: ' || string_agg(DISTINCT type_name, ', ' ORDER BY type_name) FROM approval.request_type);
    END IF;
    IF NOT ('*' = ANY (type.requesters) OR EXISTS (
            SELECT FROM approval.membership
            WHERE principal_id = actor.principal_id AND group_name = ANY (type.requesters))) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002', MESSAGE = format('%s may not make requests of type %s', actor.name, p_type),
            HINT = format('It is open to the groups %s.', array_to_string(type.requesters, ', '));
    END IF;

    IF given_count = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP015', MESSAGE = 'the request names no minion, or nothing to be done there';
    END IF;
    IF cardinality(p_kinds) IS DISTINCT FROM given_count OR cardinality(p_names) IS DISTINCT FROM given_count
        OR cardinality(p_values) IS DISTINCT FROM given_count THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'minions, kinds, names and values must be as many as each other';
    END IF;
    IF p_after IS NOT NULL AND (NOT isfinite(p_after) OR p_after > moment + interval '5 years') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP016', MESSAGE = 'the time after which it takes effect is more than five years away';
    END IF;
    IF coalesce(p_source, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the request does not say which system it comes from';
    END IF;

    SELECT string_agg(quote_literal(missing.minion_id), ', ') INTO unknown
    FROM (SELECT DISTINCT given.minion_id FROM unnest(p_minions) AS given (minion_id)
          WHERE NOT EXISTS (SELECT FROM approval.minion AS m WHERE m.minion_id = given.minion_id)
          ORDER BY given.minion_id LIMIT 5) AS missing;
    IF unknown IS NOT NULL OR array_position(p_minions, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('unknown minion: %s', coalesce(unknown, 'NULL')),
            HINT = 'Minions are registered by salt-run approval.sync_minions or salt-approval minion add.';
    END IF;

    SELECT array_agg(approval.item_type(given.kind, given.name, given.content) ORDER BY given.ordinal) INTO types
    FROM unnest(p_kinds, p_names, p_values) WITH ORDINALITY AS given (kind, name, content, ordinal)
    WHERE given.kind = type.kind;
    IF cardinality(types) IS DISTINCT FROM given_count THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('requests of type %s are about kind %s only', p_type, type.kind);
    END IF;
    IF EXISTS (SELECT FROM unnest(p_minions, p_names) AS given (minion_id, name) GROUP BY minion_id, name HAVING count(*) > 1) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the request names the same thing on the same minion twice';
    END IF;

    SELECT 'sha256:' || encode(sha256(
            approval.field('apv1-items') || approval.field(p_type)
            || approval.field(to_char(p_after AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
            || string_agg(entry.digest, ''::bytea ORDER BY entry.digest)), 'hex')
    INTO set_digest
    FROM (SELECT approval.item_digest(given.minion_id, given.kind, given.name, given.type, given.content) AS digest
          FROM unnest(p_minions, p_kinds, p_names, types, p_values) AS given (minion_id, kind, name, type, content)) AS entry;

    -- Two submissions of one reference wait for each other here, so that the second finds the first.
    IF p_external_ref IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_source || '/' || p_external_ref, 0));
        SELECT r.request_id, s.digest, r.requester_id INTO existing
        FROM approval.request AS r JOIN approval.item_set AS s USING (request_id, item_set_version)
        WHERE r.source = p_source AND r.external_ref = p_external_ref;
        IF existing.digest = set_digest AND existing.requester_id = actor.principal_id THEN
            RETURN existing.request_id;
        ELSIF existing.request_id IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'AP013',
                MESSAGE = format('%s %s is request %s already, with another content or requester', p_source, p_external_ref,
                                 existing.request_id),
                HINT = 'Use another reference.';
        END IF;
    END IF;

    INSERT INTO approval.request
        (type_name, type_version, state, requester_id, assurance, reason, source, external_ref, not_before, item_set_version,
         submitted_at, expires_at)
    VALUES (type.type_name, type.type_version, 'pending', actor.principal_id, actor.assurance, coalesce(p_reason, ''), p_source,
            p_external_ref, p_after, 1, moment, moment + type.max_open)
    RETURNING request_id INTO new_id;
    INSERT INTO approval.item_set VALUES (new_id, 1, set_digest, given_count, moment);
    INSERT INTO approval.item (minion_id, request_id, item_set_version, state, kind, name, type, content, digest)
    SELECT given.minion_id, new_id, 1, 'proposed', given.kind, given.name, given.type, given.content,
        approval.item_digest(given.minion_id, given.kind, given.name, given.type, given.content)
    FROM unnest(p_minions, p_kinds, p_names, types, p_values) AS given (minion_id, kind, name, type, content);
    INSERT INTO approval.request_stage (request_id, stage_no, name, min_assurance)
    SELECT new_id, stage_no, name, min_assurance FROM approval.request_type_stage
    WHERE type_name = type.type_name AND type_version = type.type_version;
    INSERT INTO approval.request_quorum
    SELECT new_id, stage_no, group_name, quorum FROM approval.request_type_quorum
    WHERE type_name = type.type_name AND type_version = type.type_version;
    PERFORM approval.audit_append(new_id, moment, 'submitted', actor.name, p_provider || ':' || p_subject, actor.assurance,
        jsonb_build_object('type', type.type_name, 'type_version', type.type_version, 'items', given_count, 'digest', set_digest,
                           'after', p_after, 'reason', coalesce(p_reason, ''), 'source', p_source, 'external_ref', p_external_ref));
    IF type.pre_approved THEN
        PERFORM approval.approve_request(new_id);
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION approval.submit_request(
    text, text, text, text, text[], text[], text[], text[], timestamptz, text, text) IS
    'Submits a request over items given as parallel arrays (minion, kind, name, value; NULL: absent) by the identity (provider, subject); '
    'gives its number. p_after: when it takes effect once approved, NULL at once. The same (p_source, p_external_ref) with the same content '
    'is the same request. Raises AP001-AP005, AP013, AP015, AP016. Definer: nobody writes requests otherwise.';
