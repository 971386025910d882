-- A person's name goes from everywhere, the audit stays whole, and nothing else is let through.
BEGIN;
\ir support/fixture.sql
SELECT plan(38);

-- Somebody whose name, accounts and address stand nowhere by accident, in all that people leave behind.
CREATE ROLE t_zebulon LOGIN; GRANT approval_person TO t_zebulon;
SELECT approval.put_principal('zebulon', 'person'), approval.put_identity('pg', 't_zebulon', 'zebulon'),
    approval.put_identity('slack', 'T1/UZEB', 'zebulon'), approval.put_identity('salt', 'zeb', 'zebulon'),
    approval.put_identity('web', 'zebulon@example.org', 'zebulon'),
    approval.put_membership('owners', 'zebulon'), approval.put_contact(NULL, NULL, 'zebulon', 'mail', 'zeb@example.org'),
    approval.put_route('chat-ops', 'jobs', '{}', '{"users": ["zeb", "deploy"]}'),
    approval.put_route('log', 'requests', '{"principal": "zebulon"}'),
    approval.put_route('ticker', 'requests', '{}') \g /dev/null
SELECT pg_temp.ask('t_zebulon', 'package', '{web1}', 'hello', '1') AS own \gset
SELECT pg_temp.ask('t_alice', 'package', '{web2}', 'hello', '1') AS other \gset
SELECT pg_temp.decide('t_zebulon', :other), pg_temp.act('t_alice', format('SELECT approval.cancel_request(''pg'', ''t_alice'', %s, '''')', :other)),
    pg_temp.act('t_zebulon', 'SELECT approval.delegate(''pg'', ''t_zebulon'', ''carol'', NULL, now() + interval ''1 day'')'),
    pg_temp.act('t_alice', 'SELECT approval.delegate(''pg'', ''t_alice'', ''zebulon'', NULL, now() + interval ''1 day'')'),
    approval.drop_identity('slack', 'T1/UZEB') \g /dev/null
-- An account that carol had before, and a stranger's try with it.
SELECT approval.audit_append(0, now(), 'delegation-ended', 'carol', 'slack:T1/UZEB', 'asserted', '{}'),
    approval.audit_append(0, now(), 'stranger-refused', NULL, 'slack:T1/UZEB', NULL, '{}') \g /dev/null
-- A machine that has the name, and a text that mentions it.
SELECT approval.put_minions('{zebulon}') \g /dev/null
INSERT INTO approval.request_plan SELECT :other, 1, 1, now(), 'zebulon', 1, 'sha256:' || repeat('0', 64), '{}', '[]';
INSERT INTO approval.request_editor VALUES (:other, 'salt', 'zeb');
INSERT INTO approval.alarm (kind, severity, minions, minion_count, cause, alike, who, what, first_at, last_at, count)
VALUES ('unapproved-job', 'info', '{web1}', 1, 'sudo_zeb salt web1 cmd.run', 'sudo_zeb cmd.run', 'sudo_zeb', 'salt web1 cmd.run', now(), now(), 1);
INSERT INTO approval.alarm (kind, severity, minions, minion_count, cause, alike, who, what, first_at, last_at, count,
    acknowledged_at, decided_by, comment)
VALUES ('unapproved-job', 'info', '{web1}', 1, 'x', 'x', 'alice', 'x', now(), now(), 1, now(), 'zebulon', 'fine');
INSERT INTO approval.alarm_signal (kind, minions, minion_count, cause, alike, who, what, seen_at, times)
VALUES ('drift', '{web1}', 1, 'zeb x', 'zeb', 'zeb', 'x', now(), 1);
INSERT INTO approval.sending_pause VALUES (true, now(), 'zebulon', 'storm');
INSERT INTO approval.stranger VALUES ('slack', 'T1/UZEB', now());
INSERT INTO approval.chat_message VALUES ('chat-mail', 'ask/1/zebulon', 'x', 'zeb@example.org', now()), ('chat-mail', 'ask/1/alice', 'x', 'a', now());
INSERT INTO approval.outbox (destination, thread, seq, topic, body, created_at) VALUES
    ('chat-mail', 'ask/1/zebulon', 1, 'ask', '{"principal": "zebulon", "address": "zeb@example.org"}', now()),
    ('chat-mail', 'digest/zebulon', 1, 'digest', '{"principal": "zebulon"}', now()),
    ('chat-ops', 'job/1', 1, 'jobs', '{"user": "sudo_zeb"}', now());
INSERT INTO approval.job VALUES ('20260101000000000000', 'test.ping', 'web1', 'glob', 'sudo_zeb', '{web1}', '\x00', false, now());
INSERT INTO approval.job_log (jid, published_at, fun, job_user, tgt, tgt_type, command, is_test, is_claim, minion_count, minions)
VALUES ('20260101000000000000', now(), 'test.ping', 'sudo_zeb', 'web1', 'glob', 'salt web1 test.ping', false, false, 1, '{}'),
    ('20260101000000000001', now(), 'test.ping', 'root', 'web1', 'glob', 'salt web1 test.echo zebulon', false, false, 1, '{}');
SELECT approval.seal_audit() \g /dev/null

CREATE FUNCTION pg_temp.pseudonymise(login text, name text, reason text DEFAULT 'asked for by letter', dry_run boolean DEFAULT false)
    RETURNS jsonb LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.pseudonymise_principal(%L, %L, %L)', name, reason, dry_run))::jsonb
$$;
SELECT throws_ok(format('SELECT pg_temp.pseudonymise(%L, ''zebulon'')', login), '42501', NULL, login || ' may not')
FROM unnest(ARRAY['t_alice', 't_runner', 't_auditor', 't_engine']) AS login;
SELECT throws_ok('SELECT pg_temp.pseudonymise(''t_policy'', ''zebulon'', '' '')', 'AP005', NULL, 'a reason is needed');
SELECT throws_ok('SELECT pg_temp.pseudonymise(''t_policy'', ''nobody'')', 'AP017', 'there is no principal ''nobody''', 'somebody who is known');
SELECT throws_ok('SELECT pg_temp.pseudonymise(''t_policy'', ''zebulon'')', 'AP017', 'zebulon can still act', 'and is gone');
SELECT approval.disable_principal('zebulon') \g /dev/null
SELECT throws_ok('SELECT pg_temp.pseudonymise(''t_policy'', ''zebulon'', ''Zebulon asked'')', 'AP005', NULL, 'the reason must not keep the name');
SELECT throws_ok('SELECT pg_temp.pseudonymise(''t_policy'', ''zebulon'')', 'AP006',
    format('requests that zebulon asked for, or that are for them, are open: %s', :own), 'open requests are named');
UPDATE approval.request SET state = 'cancelled', closed_at = now() WHERE request_id = :own;
SELECT pg_temp.ask('t_alice', 'package', '{web2}', 'hello', '1') AS asked \gset
INSERT INTO approval.asked SELECT :asked, principal_id, 'mail', 1, 'x', 0 FROM approval.principal WHERE name = 'zebulon';
SELECT throws_ok('SELECT pg_temp.pseudonymise(''t_policy'', ''zebulon'')', 'AP006',
    format('zebulon is asked to decide on requests that wait: %s', :asked), 'so are those that they are asked about');
UPDATE approval.request SET state = 'cancelled', closed_at = now() WHERE request_id = :asked;
SELECT approval.put_principal('robot', 'service'), approval.disable_principal('robot') \g /dev/null
SELECT throws_ok('SELECT pg_temp.pseudonymise(''t_policy'', ''robot'')', 'AP017', 'robot is a service, and no person', 'a service is no person');

-- Every place in the schema with any of the words, read by the catalog: a column that is added later is looked at as well.
CREATE FUNCTION pg_temp.traces(pattern text) RETURNS TABLE (place text, hits bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR place IN
        SELECT c.relname || '.' || a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'approval'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
            AND NOT a.attisdropped
    LOOP
        EXECUTE format('SELECT count(*) FROM approval.%I WHERE CASE pg_typeof(%2$I)::text WHEN ''bytea'' '
                       'THEN encode(%2$I::text::bytea, ''escape'') ELSE %2$I::text END ~* $1',
                       split_part(place, '.', 1), split_part(place, '.', 2)) INTO hits USING pattern;
        IF hits > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
-- Whether it can hold who somebody is was thought about for each of these; approval.replace_name knows those that can.
SELECT is((SELECT string_agg(t.line, E'\n' ORDER BY t.line COLLATE "C") FROM (
    SELECT format('    %s: %s', c.relname, string_agg(a.attname, ' ' ORDER BY a.attname)) AS line
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'approval'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
        AND NOT a.attisdropped AND a.atttypid::regtype::text IN ('text', 'text[]', 'jsonb', 'bytea')
    GROUP BY c.relname) AS t), ltrim($$
    alarm: alike cause comment decided_by jid kind minions severity what who
    alarm_kind: functions kind read_only severity
    alarm_rule: functions group_functions kind muted_groups quiet_hours read_only severity
    alarm_signal: alike cause jid kind minions what who
    api_call: answer content_hash key_hash
    api_token: credential provider scopes subject title token_hash
    asked: channel digest
    assurance: assurance
    audit_entry: act assurance detail hash identity login_role previous_hash principal
    audit_seal: hash previous_hash
    audit_sealed_head: hash
    audit_stream: head_hash
    calendar: calendar_name rule time_zone
    calendar_span: calendar_name
    catalog: content release sources system
    catalog_ask: jid minion_id nonce refusal
    catalog_member: content minion_id
    catalog_version: version
    catch_up: cause jid minion_id observe_jid outcome state
    chat_message: channel destination thread ts
    chat_socket: app holder
    code_version: sha256 version views
    contact: address channel
    decision: assurance comment decided_bytes decision key_id login_role provider signature subject
    decision_proof: proof proof_key
    dispatch: boot_before jid minion_id observe_jid proof reason state
    document: contents digest evidence_key kinds minion_id names types
    document_history: contents digest evidence_key kinds minion_id names types
    drift: expected finding jid kind minion_id name observed
    event: data tag
    freeze: freeze_name minion_group reason type_name
    identity: provider subject
    item: before_content content digest kind minion_id name observed outcome outcome_jid outcome_text pinned state type
    item_group: first_minion last_minion
    item_set: digest salt
    item_tally: outcome state
    job: fun jid job_user load minions tgt tgt_type
    job_log: command fun jid job_user minion_bits tgt tgt_type
    job_return: boot_id flags fun jid minion_id payload payload_digest run_id verdict
    job_told: jid
    membership: group_name
    migration: migration_id sha256
    minion: key_digest machine_id minion_id
    minion_check: minion_id
    minion_fact: kernel minion_id os os_arch os_family os_release salt_version
    minion_group: group_name title
    minion_group_member: group_name minion_id
    minion_number: minion_id
    minion_standing: minion_groups minion_id standing
    outbox: body destination last_error state thread topic
    package_name: key name
    principal: kind name
    principal_group: group_name title
    quarantine: fun jid minion_id payload reason
    reader: group_name minion_group what
    reinstall: converged_jid key_digest machine_id minion_id state
    request: assurance external_ref reason rollout source state type_name
    request_editor: provider subject
    request_history: from_state to_state
    request_left_out: kind minion_id name reason
    request_note: minions note
    request_overlap: example resolution
    request_plan: changes digest outcomes planned_by
    request_plan_minion: changes comment minion_id outcome
    request_quorum: group_name
    request_reach: minion_groups
    request_stage: accept escalate_to min_assurance name
    request_state: state
    request_type: action calendar_name definition kind parameters requesters review_group targets title type_name
    request_type_quorum: group_name type_name
    request_type_stage: accept escalate_to min_assurance name type_name
    rollout: halted_because plan state
    route: destination filter functions groups outcomes quiet_hours severities topic types users
    salt_key: key
    seen_run: jid minion_id run_id
    sending_pause: comment paused_by
    sensitive: argument kind name type_name
    setting: content name
    sign_in_attempt: attempt_key
    silence: fun jid minion_id
    speaks_for: assurance login provider
    standing_change: minions
    standing_tally: groups_digest minion_groups standing
    stranger: provider subject
    ticket: key provider ticket_id url
    ticket_delivery: content key note provider state ticket
    ticket_hold: cause reason
    ticket_poll: provider
    ticket_request: digest provider ticket_id
    transition: from_state to_state
    wave_minion: minion_id ping_jid verdict
    web_session: address credential provider sign_in subject token_hash$$, E'\n'), 'no column came that nobody thought about');

-- A session of theirs, however it comes there after they were disabled.
INSERT INTO approval.web_session (token_hash, provider, subject, credential, address, began_at, seen_at, ends_at,
    authenticated_until, sign_in)
VALUES (sha256('z'), 'web', 'zebulon@example.org', 'c', '192.0.2.7', now(), now(), now() + interval '30 minutes', now(), '{"acr": "zebulon"}');
INSERT INTO approval.api_token (token_hash, provider, subject, credential, title, scopes, made_at, ends_at)
VALUES (sha256('t'), 'web', 'zebulon@example.org', 'c', 'of zebulon', '{read}', now(), now() + interval '1 day');
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.traces('zeb');
SELECT pg_temp.pseudonymise('t_policy', 'zebulon', 'asked for by letter', true) AS tried \gset
SELECT results_eq('SELECT * FROM pg_temp.traces(''zeb'') ORDER BY 1', 'SELECT * FROM before ORDER BY 1', 'a dry run changes nothing');
SELECT throws_ok('UPDATE approval.audit_entry SET act = ''x''', 'AP002', NULL, 'and leaves entries guarded');
SELECT pg_temp.pseudonymise('t_policy', 'zebulon') AS done \gset
SELECT is(:'done'::jsonb - '{principal,at}'::text[], :'tried'::jsonb, 'it told what is done');
SELECT is(:'done'::jsonb -> 'left', jsonb '{"job": 1, "audit_entry": 1, "request": 0, "decision": 0, "alarm": 0, "job_log": 1, "ticket_delivery": 0}',
    'what is left is counted');
SELECT is(:'done'::jsonb -> 'dropped', jsonb '{"outbox": 2, "identity": 3, "contact": 1, "membership": 1}', 'what is dropped is counted');
SELECT is_empty('SELECT FROM approval.web_session', 'their sessions on the web end');
SELECT is_empty('SELECT FROM approval.api_token', 'and their tokens of the API');
SELECT set_eq('SELECT place FROM pg_temp.traces(''zeb'')', ARRAY['audit_entry.detail', 'audit_entry.identity', 'job_log.command', 'minion.minion_id', 'standing_change.minions'],
    'the name is left where it names a machine, and in a text');
SELECT is((SELECT array_agg(principal) FROM approval.audit_entry WHERE identity ~* 'zeb'), '{carol}', 'an account stays with others who had it');
SELECT is((SELECT count(*) FROM approval.audit_entry WHERE detail ~* 'zeb'), 1::bigint, 'in the audit, too');
SELECT :'done'::jsonb ->> 'principal' AS pseudonym \gset
SELECT matches(:'pseudonym'::text, '^person-[0-9]+$', 'a pseudonym has taken its place');
SELECT is((SELECT array_agg(DISTINCT e.principal || ' ' || e.identity || ' ' || e.login_role) FROM approval.audit_entry AS e
           WHERE e.stream = :own AND e.act = 'submitted'), ARRAY[format('%1$s pg:%1$s %1$s', :'pseudonym')], 'in entries');
SELECT is((SELECT detail::jsonb ->> 'to' FROM approval.audit_entry WHERE act = 'delegated' AND principal = 'alice'), :'pseudonym', 'in details');
SELECT is((SELECT decided_bytes FROM approval.decision AS d WHERE request_id = :other),
    (SELECT approval.decided_bytes(d.request_id, d.item_set_version, s.digest, d.stage_no, d.decision, :'pseudonym', d.comment, d.decided_at)
     FROM approval.decision AS d JOIN approval.item_set AS s USING (request_id, item_set_version) WHERE d.request_id = :other),
    'in what was decided');
SELECT is((SELECT array_agg(job_user ORDER BY jid) FROM approval.job_log), ARRAY['sudo_' || :'pseudonym', 'root'], 'in the job log');
SELECT is((SELECT array_agg(users) FROM approval.route WHERE destination = 'chat-ops')::text,
    format('{{deploy,%s}}', :'pseudonym'), 'in routes, which let no more pass than before');
SELECT is((SELECT array_agg(thread) FROM approval.chat_message), ARRAY['ask/1/alice'], 'others are still asked');
SELECT throws_ok(statement, 'AP002', NULL, statement || ': refused as before')
FROM unnest(ARRAY['UPDATE approval.audit_entry SET act = ''x''', 'UPDATE approval.decision SET comment = ''x''',
                  'UPDATE approval.request_plan SET planned_by = ''x''']) AS statement;

-- The chains are whole, sealed before or after, and only so.
SELECT approval.seal_audit() \g /dev/null
SELECT is_empty('SELECT * FROM approval.verify_audit()', 'the audit is intact');
SELECT is(pg_temp.pseudonymise('t_policy', :'pseudonym') ->> 'principal', :'pseudonym', 'a second time it was done');
SELECT throws_ok(format('SELECT approval.put_principal(%L, ''person'')', :'pseudonym'), 'AP017', NULL, 'nobody comes back under a pseudonym');
SET LOCAL session_replication_role = replica;
SAVEPOINT intact;
UPDATE approval.audit_entry SET principal = 'mallory' WHERE stream = :own AND seq = 1;
SELECT results_eq('SELECT stream, seq FROM approval.verify_audit()', format('VALUES (%s::bigint, 1::bigint)', :own),
    'other content than the act names is found');
ROLLBACK TO intact;
UPDATE approval.audit_entry SET detail = replace(detail, :'pseudonym', 'person-0') WHERE act = 'pseudonymised';
SELECT cmp_ok((SELECT count(*) FROM approval.verify_audit()), '>', 3::bigint, 'an act that was altered vouches for nothing');
ROLLBACK TO intact;
-- The same act, on the chain of a request, is none.
UPDATE approval.audit_entry SET act = 'told', hash = approval.audit_hash(
    stream, seq, at, 'told', principal, identity, login_role, assurance, detail, previous_hash) WHERE act = 'pseudonymised';
SELECT approval.audit_append(:other, now(), 'pseudonymised', NULL, NULL, NULL, (SELECT detail::jsonb FROM approval.audit_entry WHERE act = 'told')) \g /dev/null
SELECT ok(EXISTS (SELECT FROM approval.verify_audit() WHERE stream = :own AND seq = 1 AND problem ~ 'altered'), 'nor does one on another stream');
SELECT * FROM finish();
ROLLBACK;
