CREATE OR REPLACE FUNCTION approval.replace_name(p_person approval.principal, p_reason text) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment constant timestamptz := clock_timestamp();
    mention constant text := E'\\m' || regexp_replace(p_person.name, E'(\\W)', E'\\\\\\1', 'g') || E'\\M';
    old_name constant text := p_person.name;
    pseudonym text;
    -- It finds every word as a whole string in JSON: opening each detail and body to look would take minutes.
    any_word text;
    words jsonb;
    every_word text[];
    logins text[];
    entries jsonb;
    counts jsonb;
    number bigint;
BEGIN
    -- These locks also wait for whoever is writing there, so that no entry with the name comes later.
    ALTER TABLE approval.decision DISABLE TRIGGER insert_only;
    ALTER TABLE approval.request_plan DISABLE TRIGGER insert_only;
    ALTER TABLE approval.audit_entry DISABLE TRIGGER insert_only;
    LOOP
        pseudonym := 'person-' || nextval('approval.pseudonym_seq');
        EXIT WHEN NOT EXISTS (SELECT FROM approval.principal AS p WHERE p.name = pseudonym);
    END LOOP;
    words := approval.words_of(p_person, pseudonym);
    every_word := ARRAY(SELECT jsonb_object_keys(words));
    any_word := (SELECT
                     '"(' || string_agg(regexp_replace(btrim(to_json(w.word)::text, '"'), E'(\\W)', E'\\\\\\1', 'g'), '|')
                     || ')"'
                 FROM unnest(every_word) AS w (word));
    logins := ARRAY(SELECT substr(w.word, 4) FROM unnest(every_word) AS w (word) WHERE starts_with(w.word, 'pg:'));

    WITH changed AS (
        UPDATE approval.audit_entry AS e
        SET principal = CASE WHEN e.principal = old_name THEN pseudonym ELSE e.principal END,
            identity = CASE WHEN e.principal = old_name THEN split_part(e.identity, ':', 1) || ':' || pseudonym
                -- Somebody else who had the account at another time keeps it.
                WHEN e.principal IS NULL THEN coalesce(words ->> e.identity, e.identity) ELSE e.identity END,
            login_role = CASE WHEN e.login_role = ANY (logins) THEN pseudonym ELSE e.login_role END,
            detail = approval.pseudonymous(e.detail::jsonb, words)::text
        -- These acts vouch for others by their hash, and have no name in them but the login of who did it.
        WHERE e.act <> 'pseudonymised' AND (
            e.principal = old_name OR (e.principal IS NULL AND e.identity = ANY (every_word)) OR e.login_role = ANY (logins)
            OR (e.detail ~ any_word AND approval.pseudonymous(e.detail::jsonb, words) <> e.detail::jsonb))
        RETURNING e.stream, e.seq, approval.audit_hash(
            e.stream, e.seq, e.at, e.act, e.principal, e.identity, e.login_role, e.assurance, e.detail, e.previous_hash) AS content
    )
    SELECT coalesce(jsonb_agg(jsonb_build_array(c.stream, c.seq, encode(c.content, 'hex')) ORDER BY c.stream, c.seq), '[]')
    INTO entries FROM changed AS c;
    counts := jsonb_build_object('replaced', jsonb_build_object('audit_entry', jsonb_array_length(entries)));

    UPDATE approval.decision AS d
    SET subject = pseudonym, login_role = CASE WHEN d.login_role = ANY (logins) THEN pseudonym ELSE d.login_role END,
        decided_bytes = approval.decided_bytes(d.request_id, d.item_set_version, s.digest, d.stage_no, d.decision, pseudonym,
                                               d.comment, d.decided_at)
    FROM approval.item_set AS s
    WHERE d.principal_id = p_person.principal_id AND s.request_id = d.request_id AND s.item_set_version = d.item_set_version;
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := jsonb_set(counts, '{replaced,decision}', to_jsonb(number));
    UPDATE approval.request_plan AS p SET planned_by = pseudonym WHERE p.planned_by = old_name;
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := jsonb_set(counts, '{replaced,request_plan}', to_jsonb(number));
    ALTER TABLE approval.decision ENABLE TRIGGER insert_only;
    ALTER TABLE approval.request_plan ENABLE TRIGGER insert_only;
    ALTER TABLE approval.audit_entry ENABLE TRIGGER insert_only;

    WITH gone AS (
        DELETE FROM approval.request_editor AS e WHERE e.provider || ':' || e.subject = ANY (every_word)
        RETURNING e.request_id, e.provider
    )
    INSERT INTO approval.request_editor SELECT DISTINCT g.request_id, g.provider, pseudonym FROM gone AS g;
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := jsonb_set(counts, '{replaced,request_editor}', to_jsonb(number));
    UPDATE approval.job_log AS l SET job_user = words ->> l.job_user WHERE l.job_user = ANY (every_word);
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := jsonb_set(counts, '{replaced,job_log}', to_jsonb(number));
    UPDATE approval.job AS j SET job_user = words ->> j.job_user WHERE j.job_user = ANY (every_word);
    GET DIAGNOSTICS number = ROW_COUNT;
    -- The job as Salt published it is one value, which is not opened here.
    counts := jsonb_set(counts, '{replaced,job}', to_jsonb(number));
    counts := counts || jsonb_build_object('left', jsonb_build_object('job', number));
    UPDATE approval.alarm AS a
    SET who = coalesce(words ->> a.who, a.who), decided_by = coalesce(words ->> a.decided_by, a.decided_by),
        cause = array_to_string(array_replace(string_to_array(a.cause, ' '), a.who, words ->> a.who), ' '),
        alike = array_to_string(array_replace(string_to_array(a.alike, ' '), a.who, words ->> a.who), ' ')
    WHERE a.who = ANY (every_word);
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := jsonb_set(counts, '{replaced,alarm}', to_jsonb(number));
    UPDATE approval.alarm AS a SET decided_by = words ->> a.decided_by WHERE a.decided_by = ANY (every_word);
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := jsonb_set(counts, '{replaced,alarm}', to_jsonb(number + (counts #>> '{replaced,alarm}')::bigint));
    UPDATE approval.alarm_signal AS a
    SET who = words ->> a.who,
        cause = array_to_string(array_replace(string_to_array(a.cause, ' '), a.who, words ->> a.who), ' '),
        alike = array_to_string(array_replace(string_to_array(a.alike, ' '), a.who, words ->> a.who), ' ')
    WHERE a.who = ANY (every_word);
    UPDATE approval.sending_pause AS s SET paused_by = pseudonym WHERE s.paused_by = old_name;
    UPDATE approval.route AS r
    SET filter = approval.pseudonymous(r.filter, words),
        users = ARRAY(SELECT DISTINCT coalesce(words ->> u.name, u.name) FROM unnest(r.users) AS u (name) ORDER BY 1)
    WHERE r.users && every_word OR approval.pseudonymous(r.filter, words) <> r.filter;
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := jsonb_set(counts, '{replaced,route}', to_jsonb(number));

    DELETE FROM approval.chat_message AS m
    WHERE m.thread = 'digest/' || old_name
        OR (starts_with(m.thread, 'ask/') AND m.thread = format('ask/%s/%s', split_part(m.thread, '/', 2), old_name));
    DELETE FROM approval.outbox AS o
    WHERE o.thread = 'digest/' || old_name
        OR (starts_with(o.thread, 'ask/') AND o.thread = format('ask/%s/%s', split_part(o.thread, '/', 2), old_name));
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := counts || jsonb_build_object('dropped', jsonb_build_object('outbox', number));
    UPDATE approval.outbox AS o SET body = approval.pseudonymous(o.body, words)
    WHERE o.body::text ~ any_word AND approval.pseudonymous(o.body, words) <> o.body;
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := jsonb_set(counts, '{replaced,outbox}', to_jsonb(number));
    DELETE FROM approval.asked AS a WHERE a.principal_id = p_person.principal_id;
    DELETE FROM approval.stranger AS s WHERE s.provider || ':' || s.subject = ANY (every_word);
    DELETE FROM approval.identity AS i WHERE i.principal_id = p_person.principal_id;
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := jsonb_set(counts, '{dropped,identity}', to_jsonb(number));
    DELETE FROM approval.contact AS c WHERE c.principal_id = p_person.principal_id;
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := jsonb_set(counts, '{dropped,contact}', to_jsonb(number));
    DELETE FROM approval.membership AS m WHERE m.principal_id = p_person.principal_id;
    GET DIAGNOSTICS number = ROW_COUNT;
    counts := jsonb_set(counts, '{dropped,membership}', to_jsonb(number));
    UPDATE approval.principal AS p SET name = pseudonym, pseudonymised_at = moment WHERE p.principal_id = p_person.principal_id;

    PERFORM approval.audit_append(0, moment, 'pseudonymised', NULL, NULL, NULL, jsonb_build_object(
        'principal', pseudonym, 'reason', p_reason, 'entries', entries));
    -- Texts that people wrote stay as they are; a reader is told where the name stands in them.
    RETURN jsonb_build_object('principal', pseudonym, 'at', moment) || jsonb_set(counts, '{left}', (counts -> 'left')
        || jsonb_build_object(
            'audit_entry', (SELECT count(*) FROM approval.audit_entry AS e WHERE e.detail ~ mention),
            'request', (SELECT count(*) FROM approval.request AS r WHERE r.reason ~ mention),
            'decision', (SELECT count(*) FROM approval.decision AS d WHERE d.comment ~ mention),
            'alarm', (SELECT count(*) FROM approval.alarm AS a WHERE a.what ~ mention OR a.comment ~ mention),
            'job_log', (SELECT count(*) FROM approval.job_log AS l WHERE l.command ~ mention OR l.tgt ~ mention),
            'ticket_delivery', (SELECT count(*) FROM approval.ticket_delivery AS t WHERE t.content::text ~ any_word)));
END
$$;
COMMENT ON FUNCTION approval.replace_name IS
    'Internal: does what approval.pseudonymise_principal allowed; gives what that gives. Writers of the audit wait meanwhile.';
