CREATE OR REPLACE FUNCTION approval.put_request_type(p_definition jsonb) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given_name text := p_definition ->> 'name';
    chain jsonb := p_definition -> 'chain';
    pre_approved boolean := coalesce((p_definition ->> 'pre_approved')::boolean, false);
    latest approval.request_type;
    new_version integer;
    stage record;
    alternative record;
    unknown text;
    missing text;
    problem text;
BEGIN
    SELECT string_agg(key, ', ' ORDER BY key) INTO unknown FROM jsonb_object_keys(p_definition) AS key
    WHERE key NOT IN ('name', 'title', 'kind', 'requesters', 'targets', 'pre_approved', 'self_approval', 'repeat_approval',
                      'max_open', 'valid_for', 'calendar', 'review_group', 'action', 'parameters', 'chain', 'dispatch', 'proof',
                      'proof_within', 'returns', 'plan_within', 'rollout', 'late', 'catalog', 'sensitive');
    IF unknown IS NULL THEN
        SELECT string_agg(DISTINCT key, ', ') INTO unknown
        FROM jsonb_path_query(chain, '$[*] ? (@.type() == "object")') AS body, jsonb_object_keys(body) AS key
        WHERE key NOT IN ('name', 'min_assurance', 'any_of', 'more_than_minions', 'timeout', 'escalate_to', 'accept');
    END IF;
    SELECT string_agg(key, ' and ') INTO missing FROM unnest(ARRAY['kind', 'requesters', 'chain']) AS key
    WHERE p_definition -> key IS NULL OR p_definition -> key = 'null';
    problem := CASE
        WHEN unknown IS NOT NULL THEN 'unknown key ' || unknown
        WHEN missing IS NOT NULL THEN missing || ' is missing'
        WHEN 'array' <> ANY (ARRAY[jsonb_typeof(chain), jsonb_typeof(p_definition -> 'requesters'),
                                   jsonb_typeof(coalesce(p_definition -> 'targets', '[]'))])
            THEN 'chain, requesters and targets are lists'
        WHEN jsonb_typeof(p_definition -> 'dispatch') <> 'boolean' THEN 'dispatch is true or false'
        -- YAML reads off as false.
        WHEN p_definition ? 'catalog' AND coalesce(p_definition ->> 'catalog', '') NOT IN ('refuse', 'warn', 'off', 'false')
            THEN 'catalog is one of refuse, warn, off'
        WHEN p_definition ? 'catalog' AND p_definition ->> 'kind' NOT IN ('package', 'any')
            THEN 'catalog is for types of kind package or any'
        WHEN p_definition ->> 'kind' <> 'action' AND (p_definition ?| ARRAY['proof', 'returns']
                OR (p_definition ? 'proof_within' AND NOT p_definition ? 'rollout'))
            THEN 'proof, proof_within and returns are for actions'
        WHEN p_definition ->> 'kind' <> 'action' AND p_definition ? 'late'
            THEN 'late is for actions: a state is applied when its minion starts'
        WHEN p_definition ->> 'proof' NOT IN ('return', 'restart', 'reboot') THEN 'proof is one of return, restart, reboot'
        WHEN jsonb_array_length(p_definition #> '{action,arg}') > 0 AND coalesce((p_definition -> 'dispatch')::boolean, true)
            THEN 'arguments of an action that is sent have names: kwarg; or say dispatch: false'
        WHEN EXISTS (
                SELECT FROM jsonb_array_elements(chain) AS body
                WHERE body ? 'accept' AND CASE WHEN jsonb_typeof(body -> 'accept') = 'array' THEN EXISTS (
                    SELECT FROM jsonb_array_elements(body -> 'accept') AS site
                    WHERE jsonb_typeof(site) <> 'string' OR site #>> '{}' !~ '^[a-z][a-z0-9_-]*$') ELSE true END)
            THEN 'accept of a stage lists the sites whose tickets can decide there, as in [jira-acme]; [] is none'
        WHEN pre_approved <> (jsonb_array_length(chain) = 0)
            THEN 'an empty chain needs pre_approved: true, and the other way round'
        WHEN NOT pre_approved AND NOT EXISTS (
                SELECT FROM jsonb_array_elements(chain) AS body WHERE coalesce((body ->> 'more_than_minions')::integer, 0) = 0)
            THEN 'with every stage only for many minions, a small request would pass no stage'
        WHEN pre_approved AND p_definition ? 'plan_within'
            THEN 'nobody is there to ask for a plan, since it needs no approval'
        WHEN p_definition ? 'rollout' THEN coalesce('rollout: ' || approval.rollout_problem(p_definition -> 'rollout'), CASE
            WHEN NOT coalesce((p_definition -> 'dispatch')::boolean, p_definition ->> 'kind' = 'action')
                THEN 'a rollout is for what the engine sends: say dispatch: true'
            WHEN pre_approved AND NOT p_definition -> 'rollout' ? 'resume'
                THEN 'it has no approvers, so its rollout names who decides when it halts: resume' END)
        WHEN p_definition ? 'late' THEN 'late is for types with a rollout, which finds out who is away' END;
    problem := coalesce(problem, CASE WHEN jsonb_typeof(p_definition -> 'late') <> 'boolean' THEN 'late is true or false' END);
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('request type %s: %s', given_name, problem);
    END IF;
    PERFORM approval.duration(format('request type %s: %s', given_name, key), p_definition -> key)
    FROM unnest(ARRAY['max_open', 'valid_for', 'plan_within', 'proof_within']) AS key;
    PERFORM approval.duration(format('request type %s: soak of rollout', given_name), p_definition #> '{rollout,soak}');
    -- Definitions are compared as given; two loaders of one type wait for each other.
    PERFORM pg_advisory_xact_lock(hashtextextended('approval.put_request_type', 0));
    SELECT * INTO latest FROM approval.request_type WHERE type_name = given_name ORDER BY type_version DESC LIMIT 1;
    IF latest.definition = p_definition THEN
        RETURN latest.type_version;
    END IF;
    new_version := coalesce(latest.type_version, 0) + 1;

    SELECT 'group ' || string_agg(DISTINCT wanted.group_name, ', ') INTO missing
    FROM (SELECT jsonb_array_elements_text(p_definition -> 'requesters') AS group_name
          UNION SELECT entry ->> 'group' FROM jsonb_path_query(chain, '$[*].any_of[*]') AS entry
          UNION SELECT p_definition ->> 'review_group'
          UNION SELECT body ->> 'escalate_to' FROM jsonb_array_elements(chain) AS body) AS wanted
    WHERE wanted.group_name <> '*' AND NOT EXISTS (
        SELECT FROM approval.principal_group AS g WHERE g.group_name = wanted.group_name);
    IF missing IS NULL THEN
        SELECT 'minion group ' || string_agg(DISTINCT wanted, ', ') INTO missing
        FROM jsonb_array_elements_text(coalesce(p_definition -> 'targets', '[]')) AS wanted
        WHERE wanted <> '*' AND NOT EXISTS (SELECT FROM approval.minion_group WHERE group_name = wanted);
    END IF;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('request type %s: there is no %s', given_name, missing);
    END IF;

    INSERT INTO approval.request_type
        (type_name, type_version, title, kind, requesters, targets, pre_approved, self_approval, repeat_approval, max_open,
         valid_for, calendar_name, review_group, action, parameters, plan_within, definition, created_at)
    VALUES (given_name, new_version, coalesce(p_definition ->> 'title', given_name), p_definition ->> 'kind',
            ARRAY(SELECT jsonb_array_elements_text(p_definition -> 'requesters')),
            ARRAY(SELECT jsonb_array_elements_text(coalesce(p_definition -> 'targets', '["*"]'))), pre_approved,
            coalesce((p_definition ->> 'self_approval')::boolean, false),
            coalesce((p_definition ->> 'repeat_approval')::boolean, false),
            coalesce(approval.duration('max_open', p_definition -> 'max_open'), '30 days'),
            approval.duration('valid_for', p_definition -> 'valid_for'),
            p_definition ->> 'calendar', p_definition ->> 'review_group', p_definition -> 'action', p_definition -> 'parameters',
            approval.duration('plan_within', p_definition -> 'plan_within'), p_definition, now());
    PERFORM approval.put_sensitive(p_definition);
    FOR stage IN SELECT * FROM jsonb_array_elements(chain) WITH ORDINALITY AS s (body, stage_no) LOOP
        IF jsonb_typeof(stage.body -> 'any_of') IS DISTINCT FROM 'array' OR jsonb_array_length(stage.body -> 'any_of') = 0 THEN
            RAISE EXCEPTION USING ERRCODE = 'AP017',
                MESSAGE = format('request type %s, stage %s: any_of lists no group', given_name, stage.stage_no);
        END IF;
        INSERT INTO approval.request_type_stage
            (type_name, type_version, stage_no, name, min_assurance, more_than_minions, timeout, escalate_to, accept)
        VALUES (given_name, new_version, stage.stage_no, stage.body ->> 'name',
                coalesce(stage.body ->> 'min_assurance', 'asserted'), coalesce((stage.body ->> 'more_than_minions')::integer, 0),
                approval.duration(
                    format('request type %s: timeout of stage %s', given_name, stage.stage_no), stage.body -> 'timeout'),
                stage.body ->> 'escalate_to',
                CASE WHEN stage.body ? 'accept' THEN ARRAY(SELECT jsonb_array_elements_text(stage.body -> 'accept')) END);
        FOR alternative IN SELECT entry FROM jsonb_array_elements(stage.body -> 'any_of') AS entry LOOP
            INSERT INTO approval.request_type_quorum
            VALUES (given_name, new_version, stage.stage_no, alternative.entry ->> 'group',
                    coalesce(alternative.entry ->> 'quorum', '1')::integer);
        END LOOP;
    END LOOP;
    PERFORM approval.audit_append(0, now(), 'request-type-put', NULL, NULL, NULL,
                                  p_definition || jsonb_build_object('version', new_version));
    RETURN new_version;
EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
    RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('request type %s: %s', given_name, SQLERRM);
END
$$;
COMMENT ON FUNCTION approval.put_request_type IS
    'Loads a request type: {name, title, kind, requesters: [groups or *], targets: [minion groups or *], pre_approved, '
    'self_approval, repeat_approval, max_open, valid_for, plan_within, calendar, review_group, action: {function, arg, kwarg}, '
    'parameters: JSON Schema, sensitive: [names], dispatch, catalog, proof, proof_within, returns: JSON Schema, rollout: '
    '{canaries, steps, soak, '
    'max_failures, max_in_flight, resume}, late, chain: [{name, min_assurance, more_than_minions, timeout, escalate_to, accept, '
    'any_of: [{group, quorum}]}]}. A changed definition becomes a new version; requests in flight keep theirs. For durations see '
    'approval.duration. Gives the version. Raises AP017. Definer: policy changes are audited.';
