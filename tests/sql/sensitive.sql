-- What a type marks as sensitive is ••• at every door, until somebody looks, which is recorded.
BEGIN;
\ir support/fixture.sql
SELECT no_plan();

CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
CREATE ROLE t_chat LOGIN; GRANT approval_chat TO t_chat;
CREATE ROLE t_erin LOGIN IN ROLE approval_person;
SELECT approval.put_principal('erin', 'person'), approval.put_identity('pg', 't_erin', 'erin'),
    approval.put_speaker('t_portal', 'web', 'authenticated'), approval.put_speaker('t_chat', 'slack', 'asserted') \g /dev/null
SELECT approval.put_identity('web', name, name), approval.put_identity('slack', name, name) FROM unnest(ARRAY['alice', 'bob', 'erin']) AS name \g /dev/null
CREATE FUNCTION pg_temp.type(changes text) RETURNS integer LANGUAGE sql AS $$
SELECT approval.put_request_type('{"name": "secret", "kind": "value", "requesters": ["*"], "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}],
    "parameters": {"properties": {"values": {"properties": {"db.password": {}, "db.port": {}}}}}}'::jsonb || changes::jsonb)
$$;

-- A type marks what its parameters name.
SELECT throws_ok(format('SELECT pg_temp.type(%L)', changes), 'AP017', 'request type secret: ' || problem, changes) FROM (VALUES
    ('{"sensitive": true}', 'sensitive is a list of names'), ('{"sensitive": []}', 'sensitive is a list of names'),
    ('{"sensitive": [1]}', 'sensitive is a list of names'), ('{"sensitive": null}', 'sensitive is a list of names'),
    ('{"sensitive": ["db.pasword", "db.port"]}', 'sensitive names ''db.pasword'', which its parameters do not have under values'),
    ('{"sensitive": ["db.port"], "parameters": {}}', 'sensitive names ''db.port'', which its parameters do not have under values'),
    ('{"sensitive": ["db.port"], "kind": "package"}', 'sensitive is for types of kind value or action'),
    ('{"sensitive": ["values"], "kind": "action", "action": {"function": "a.b", "kwarg": {"c": 1}}, "parameters": {"properties": {"d": {}}}}', 'sensitive names ''values'', which its parameters do not have'),
    ('{"sensitive": ["c"], "kind": "action", "action": {"function": "a.b", "kwarg": {"c": 1}}}', 'sensitive names ''c'', which its parameters do not have')
) AS bad (changes, problem);
CREATE FUNCTION pg_temp.hint(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE statement;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN hint;
END
$$;
SELECT is(pg_temp.hint('SELECT pg_temp.type(''{"sensitive": ["x"]}'')'), 'It can name: db.password, db.port', 'and is told what it can mark');
SELECT is(pg_temp.hint('SELECT pg_temp.type(''{"sensitive": ["x"], "parameters": {}}'')'), 'Name the values in its parameters, under properties, values, properties.', 'or how');

-- Of requests before there is any mark, digests are as ever, and all is shown.
CREATE FUNCTION pg_temp.want(login text, type text, minions text[], kind text, name text, value text, ref text DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.submit_request(''pg'', %L, %L, ''because'', %L, %L, %L, %L, NULL, ''pg'', %L, NULL, ''supersede'')',
    login, type, minions, array_fill(kind, ARRAY[cardinality(minions)]), array_fill(name, ARRAY[cardinality(minions)]), array_fill(value, ARRAY[cardinality(minions)]), ref))::bigint
$$;
SELECT pg_temp.type('{}') \g /dev/null
SELECT pg_temp.want('t_alice', 'secret', '{web1}', 'value', 'db.password', '"canary-0"') AS early \gset
SELECT is((SELECT salt FROM approval.item_set WHERE request_id = :early), NULL, 'no salt');
SELECT is(pg_temp.act('t_erin', format('SELECT approval.show_request(%s) #>> ''{items,0,value}''', :early)), '"canary-0"', 'nor ••• where nothing is marked');

-- From here on.
SELECT pg_temp.type('{"sensitive": ["db.password"]}') \g /dev/null
SELECT approval.put_request_type('{"name": "passwd", "kind": "action", "action": {"function": "shadow.set_password"}, "requesters": ["*"], "sensitive": ["password"],
    "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}], "parameters": {"properties": {"name": {}, "password": {}}}}') \g /dev/null
SELECT approval.put_request_type('{"name": "plain", "kind": "value", "requesters": ["*"], "pre_approved": true, "chain": []}'),
    approval.put_request_type('{"name": "back", "kind": "any", "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT approval.put_route('chat-all', topic, '{}') FROM unnest(ARRAY['requests', 'drift', 'jobs', 'alarms']) AS topic \g /dev/null
SELECT results_eq('SELECT type_name, kind, name, argument FROM approval.sensitive ORDER BY 1',
    $$VALUES ('passwd', 'action', 'shadow.set_password', 'password'), ('secret', 'value', 'db.password', NULL)$$, 'what is marked');
SELECT is((SELECT detail::jsonb -> 'sensitive' FROM approval.audit_entry WHERE act = 'request-type-put' AND detail::jsonb ->> 'name' = 'secret' ORDER BY seq DESC LIMIT 1),
    '["db.password"]', 'the audit has it');
SELECT is(pg_temp.act('t_erin', format('SELECT approval.show_request(%s) #>> ''{items,0,value}''', :early)), '•••', 'it holds for what was asked before');

SELECT pg_temp.want('t_alice', 'secret', '{web1,web2}', 'value', 'db.password', '"canary-1"') AS asked \gset
SELECT pg_temp.want('t_alice', 'passwd', '{web1}', 'action', 'shadow.set_password', '{"name": "root", "password": "canary-2"}') AS action \gset
SELECT pg_temp.want('t_alice', 'plain', '{web_}', 'value', 'db.password', '"canary-3"') AS other \gset
SELECT pg_temp.want('t_alice', 'plain', '{web_}', 'value', 'db.port', '5432') AS port \gset
SELECT throws_ok(format('SELECT pg_temp.want(''t_alice'', ''secret'', ''{web1}'', ''value'', ''db.password'', %L)', value), 'AP005', '••• stands in db.password for what is not shown', 'what was copied is refused')
FROM unnest(ARRAY['"•••"', '{"a": ["•••"]}']) AS value;

-- Digests: bound to the content, and of no use to who tries contents.
SELECT isnt((SELECT digest FROM approval.item_set WHERE request_id = :asked),
    approval.item_set_digest('secret', NULL, '{web1,web2}', '{value,value}', '{db.password,db.password}', '{json,json}', ARRAY['"canary-1"', '"canary-1"']), 'the digest has a salt');
SELECT is((SELECT digest FROM approval.item_set WHERE request_id = :asked), approval.salted_digest(
    approval.item_set_digest('secret', NULL, '{web1,web2}', '{value,value}', '{db.password,db.password}', '{json,json}', ARRAY['"canary-1"', '"canary-1"']),
    (SELECT salt FROM approval.item_set WHERE request_id = :asked)), 'by which it can be proved');
SELECT pg_temp.want('t_erin', 'secret', '{web1,web2}', 'value', 'db.password', '"canary-1"') AS tried, pg_temp.want('t_alice', 'secret', '{web1,web2}', 'value', 'db.password', '"canary-1"') AS again \gset
SELECT isnt((SELECT digest FROM approval.item_set WHERE request_id = :asked), (SELECT digest FROM approval.item_set WHERE request_id = :tried), 'another person finds nothing out by asking for it');
SELECT is((SELECT digest FROM approval.item_set WHERE request_id = :asked), (SELECT digest FROM approval.item_set WHERE request_id = :again), 'the same person is given the same again');
SELECT is((SELECT salt FROM approval.item_set WHERE request_id = :port), NULL, 'what is not sensitive has none');
SELECT pg_temp.want('t_alice', 'secret', '{web1}', 'value', 'db.password', '"canary-1"', 'REF-1') AS referred \gset
SELECT is(pg_temp.want('t_alice', 'secret', '{web1}', 'value', 'db.password', '"canary-1"', 'REF-1'), :referred::bigint, 'the same reference is the same request');
SELECT throws_ok($$SELECT pg_temp.want('t_alice', 'secret', '{web1}', 'value', 'db.password', '"canary-9"', 'REF-1')$$, 'AP013', NULL, 'with another content it is none');
SELECT lives_ok(format('SELECT pg_temp.act(''t_alice'', ''SELECT approval.amend_request(''''pg'''', ''''t_alice'''', %s, ''''{web1}'''', ''''{value}'''', ''''{db.password}'''', ARRAY[''''"canary-4"''''], '''''''')'')', :referred), 'it is amended');
SELECT isnt((SELECT salt FROM approval.item_set WHERE request_id = :referred AND item_set_version = 2), NULL, 'with a salt of its own');

-- In force, drifted, failed, planned, halted, told of.
SELECT is(pg_temp.decide('t_bob', :asked, digest => (SELECT pg_temp.act('t_bob', format('SELECT approval.show_request(%s) ->> ''digest''', :asked)))), 'approved', 'a decision is bound to the digest that is shown');
SELECT pg_temp.decide('t_bob', :action) \g /dev/null
UPDATE approval.document SET valid_from = now() - interval '1 s' WHERE valid_until = 'infinity';
UPDATE approval.item SET effective_at = now() - interval '1 s', outcome = 'failed', observed = '"canary-5"', outcome_text = 'found canary-6', before_known = true,
    before_content = '"canary-7"' WHERE request_id IN (:asked, :action) AND minion_id = 'web1';
UPDATE approval.item SET outcome = 'converged', applied_at = now(), effective_at = now() - interval '1 s', before_known = true, before_content = '"canary-7"' WHERE request_id IN (:asked, :other) AND minion_id IN ('web2', 'web_');
INSERT INTO approval.drift (minion_id, kind, name, item_id, request_id, expected, observed, finding, jid, since, last_seen)
SELECT minion_id, kind, name, item_id, request_id, content, '"canary-8"', 'is canary-9', '20260101000000000000', now(), now()
FROM approval.item WHERE request_id IN (:asked, :other) AND minion_id IN ('web2', 'web_');
SELECT approval.tell_drift('{}', approval.open_drift('{web2,web_}'), now()) \g /dev/null
INSERT INTO approval.request_plan SELECT :asked, 1, 1, now(), 'x', 1, 'sha256:' || repeat('c', 64), '{"changes": 1}', '[{"name": "db.password", "old": "canary-a", "new": "canary-b", "minions": 1, "asked_for": true}]';
INSERT INTO approval.request_plan_minion SELECT :asked, 1, 'web1', 'changes', '{"db.password": {"old": "canary-a", "new": "canary-b"}}', 'set canary-c';
INSERT INTO approval.request_note (request_id, item_set_version, note_no, note, minions, minion_count) VALUES (:asked, 1, 1, 'note canary-d', '{web1}', 1);
INSERT INTO approval.request_left_out VALUES (:asked, 'web1', 'value', 'db.password', 'left canary-e');
SELECT pg_temp.act('t_returner', format('SELECT approval.save_load(%L, %L, ''web1'', ''glob'', ''root'', ''{web1}'', ''\x00'', false, %s, %L, false, false, ARRAY[%L])',
    to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MI') || lpad(number::text, 8, '0'), fun, extract(epoch FROM now()), 'salt web1 ' || fun || ' root canary-f', fun))
FROM (VALUES (1, 'shadow.set_password'), (2, 'test.ping,shadow.set_password')) AS job (number, fun) \g /dev/null
-- One that was logged before.
UPDATE approval.job_log SET command = 'salt web1 shadow.set_password root canary-g' WHERE fun = 'shadow.set_password';
INSERT INTO approval.job_return (jid, minion_id, attempt, fun, retcode, success, received_at, verdict, authenticated, flags, revision, findings, payload, payload_digest)
SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MI') || '00000001', 'web1', 1, 'shadow.set_password', 1, false, now(), 'failed', true, '{}', 1,
    '[["action", "shadow.set_password", "failed", "observed", "canary-h", "canary-i", "evidence", "canary-j"], ["value", "db.password", "failed", "observed", "canary-h", "canary-i", "evidence", "canary-j"]]', 'canary-k', sha256('x') \g /dev/null
SELECT pg_temp.act('t_engine', 'SELECT approval.settle_alarms()') \g /dev/null
SELECT pg_temp.act('t_chat', 'SELECT approval.tell_jobs()') \g /dev/null
SELECT pg_temp.act('t_alice', format('SELECT approval.revert_request(''pg'', ''t_alice'', %s, ''{web_}'', NULL, ''back'', ''supersede'')', :other)) \g /dev/null

CREATE ROLE t_itsm LOGIN; GRANT approval_itsm TO t_itsm;
SELECT approval.put_speaker('t_itsm', 'jira-a', 'authenticated') \g /dev/null
INSERT INTO approval.ticket (provider, ticket_id, key) VALUES ('jira-a', '1', 'A-1'), ('jira-a', '2', 'A-2');
INSERT INTO approval.ticket_request (request_id, provider, ticket_id, generation, revert_no, digest)
VALUES (:asked, 'jira-a', '1', 1, 0, 'x'), (:action, 'jira-a', '2', 1, 0, 'x');

-- Every door: what is asked there, and that it answers.
CREATE FUNCTION pg_temp.token(name text) RETURNS text LANGUAGE sql AS $$
SELECT quote_literal('\x' || encode(sha256(convert_to(name, 'UTF8')), 'hex')) || '::bytea'
$$;
SELECT pg_temp.act('t_portal', format('SELECT approval.begin_session(''web'', %L, %s, ''c'', ''192.0.2.7'', ''infinity'', ''{}'')', name, pg_temp.token(name)))
FROM unnest(ARRAY['alice', 'bob', 'erin']) AS name \g /dev/null
CREATE TEMP TABLE door AS
SELECT login, what, pg_temp.act(login, format('SELECT json_agg(a)::text FROM %s AS a', replace(replace(what, '$token', pg_temp.token('bob')), '$web', '''slack'', ''bob'''))) AS answer
FROM (
    SELECT 't_' || who, format(call, n) FROM unnest(ARRAY['alice', 'bob', 'erin']) AS who,
        unnest(ARRAY['approval.show_request(%s)', 'approval.show_plan(%s)', 'approval.show_rollout(%s)', 'approval.audit_trail(%s)']) AS call,
        unnest(ARRAY[:early, :asked, :action, :other]::bigint[]) AS n
    UNION ALL
    SELECT 't_' || who, call FROM unnest(ARRAY['alice', 'erin']) AS who,
        unnest(ARRAY['approval.show_state(''web1'')', 'approval.show_state(''web_'')', 'approval.why(''web1'', ''value'', ''db.password'')',
            'approval.why(''web1'', ''action'', ''shadow.set_password'')', 'approval.out_of_line(50)', 'approval.list_requests(NULL, NULL, NULL, NULL, NULL, 50)',
            'approval.inbox(''pg'', session_user::text, NULL, 50)', 'approval.list_outbox(NULL, 50)', 'approval.list_alarms(NULL, NULL, NULL, NULL, NULL, 50)', 'approval.export_audit()', 'approval.busy()']) AS call
    UNION ALL
    SELECT 't_portal', format(call, n) FROM unnest(ARRAY['approval.show_request_by_session($token, %s, NULL, NULL, 50)', 'approval.show_plan_by_session($token, %s)']) AS call,
        unnest(ARRAY[:early, :asked, :action, :other]::bigint[]) AS n
    UNION ALL
    SELECT 't_portal', call FROM unnest(ARRAY['approval.show_minion_by_session($token, ''web1'')', 'approval.show_minion_by_session($token, ''web_'')',
        'approval.out_of_line_by_session($token, 50, NULL, NULL, NULL)', 'approval.list_returns_by_session($token, ''web1'', NULL, 50)',
        'approval.list_jobs_by_session($token, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50)', 'approval.show_health_by_session($token)',
        'approval.inbox_by_session($token, NULL, 50)', 'approval.export_audit_by_session($token)']) AS call
    UNION ALL
    SELECT 't_chat', format(call, n) FROM unnest(ARRAY['approval.chat_story(''request/%s'')', 'approval.chat_story(''ask/%s/bob'')', 'approval.chat_story(''request/%s'', $web)']) AS call,
        unnest(ARRAY[:early, :asked, :action, :other]::bigint[]) AS n
    UNION ALL
    SELECT 't_chat', call FROM unnest(ARRAY['approval.chat_story(''drift/web2'')', 'approval.chat_story(''drift/web_'')',
        format('approval.chat_story(''job/%s00000001'')', to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MI')), format('approval.failed_returns(''%s00000001'', 9)', to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MI'))]) AS call
    UNION ALL
    SELECT 't_itsm', format('approval.ticket_news(''jira-a'', %s)', n) FROM unnest(ARRAY[:asked, :action]::bigint[]) AS n
) AS d (login, what);
SELECT is_empty('SELECT login, what, substring(answer FROM ''.{60}canary-.{9}'') FROM door WHERE answer ~ ''canary''', 'no door shows what is sensitive');
SELECT is_empty('SELECT login, what, substring(answer FROM ''.{60}63616e617279'') FROM door WHERE answer ~ ''63616e617279''', 'nor in bytes');
SELECT isnt_empty('SELECT FROM door WHERE what ~ ''^approval.' || name || '\('' AND answer ~ ''•••''', name || ' says where it is')
FROM unnest(ARRAY['show_request', 'show_state', 'why', 'out_of_line', 'show_plan', 'show_request_by_session', 'show_minion_by_session', 'out_of_line_by_session',
    'list_returns_by_session', 'list_jobs_by_session', 'chat_story', 'failed_returns', 'ticket_news']) AS name;
SELECT is_empty('SELECT destination, body FROM approval.outbox WHERE destination <> ''salt'' AND body::text ~ ''canary''', 'nor does any message');
SELECT is_empty('SELECT act, detail FROM approval.audit_entry WHERE detail ~ ''canary''', 'nor the audit');
SELECT is_empty('SELECT command FROM approval.job_log WHERE command ~ ''canary-f''', 'nor is it written into the job log');
SELECT is_empty('SELECT what FROM approval.alarm WHERE to_json(alarm)::text ~ ''canary''', 'nor into an alarm');

-- What stands in its place.
SELECT is((SELECT answer::jsonb #>> '{0,items,0,value}' FROM door WHERE login = 't_bob' AND what = format('approval.show_request(%s)', :action)), '{"name":"root","password":"•••"}', 'of an action these arguments');
SELECT is((SELECT string_agg(DISTINCT answer::jsonb #>> '{0,items,0,value}', ' ') FROM door WHERE what = format('approval.show_request(%s)', :asked)), '•••', 'a value as a whole');
SELECT is(approval.covered_request('{"waits": [{"text": "held"}], "rollout": {"because": "x"}, "not_renewed": "x"}', true),
    '{"waits": [{"text": "held"}], "rollout": {"because": "•••"}, "not_renewed": "•••"}', 'why it waits is told, what minions wrote is not');
-- Of a large set groups are kept: by what is not sensitive, so that they say nothing of the rest.
SELECT approval.put_minions(ARRAY(SELECT 'many' || n FROM generate_series(1, 1001) AS n)) \g /dev/null
SELECT pg_temp.act('t_alice', format('SELECT approval.submit_request(''pg'', ''t_alice'', ''secret'', ''because'', %L, %L, %L, %L, NULL, ''pg'', NULL, NULL, NULL)',
    array_agg('many' || n), array_agg('value'::text), array_agg('db.password'::text), array_agg(to_json('canary-' || n % 2)::text)))::bigint AS large FROM generate_series(1, 1001) AS n \gset
SELECT is(pg_temp.act(login, format('SELECT approval.show_request(%s, p_limit => 1) ->> ''group_count''', :large)), groups, login || ' is shown so many groups')
FROM (VALUES ('t_erin', '1'), ('t_runner', '2')) AS shown (login, groups);
SELECT is(pg_temp.act('t_erin', format('SELECT approval.show_request(%s) #>> ''{items,0,value}''', :port)), '5432', 'what is not sensitive is shown');
SELECT is(pg_temp.act('t_erin', format('SELECT approval.show_request(%s) ->> ''shown_to''', :port)), NULL, 'and of that nobody counts');
SELECT is(pg_temp.act('t_erin', 'SELECT approval.show_state(''web1'') #>> ''{documents,0,digest}'''), '•••', 'nobody tries contents by the digest of a document');
SELECT is(pg_temp.act('t_runner', format('SELECT approval.show_request(%s) #>> ''{items,0,value}''', :asked)), '"canary-1"', 'who owns the master is shown it');
SELECT is(pg_temp.act('t_exporter', 'SELECT contents[1] FROM approval.exported_document WHERE minion_id = ''web2'' AND valid_until = ''infinity'''), '"canary-1"', 'and its minion gets it');
SELECT is(pg_temp.act('t_erin', format('SELECT jsonb_array_length(approval.show_request(%s) -> ''groups'')', :asked)), '1', 'what differs only in this is alike');

-- A look: who may read values, and none without a record that stays.
SELECT throws_ok(format('SELECT pg_temp.act(%L, ''SELECT approval.%s'')', login, call), '42501', NULL, login || ' may not: ' || call)
FROM unnest(ARRAY['t_returner', 't_engine', 't_chat', 't_auditor', 't_policy', 't_exporter', 't_stranger']) AS login, unnest(ARRAY['note_look(''''pg'''', ''''t_bob'''', 1)', 'show_values(1)']) AS call;
SELECT throws_ok('SELECT pg_temp.act(''t_erin'', ''SELECT * FROM approval.salt_key'')', '42501', NULL, 'nor reads the key of salts');
SELECT throws_ok('SELECT pg_temp.act(''t_auditor'', ''SELECT * FROM approval.salt_key'')', '42501', NULL, 'not even an auditor');
SELECT throws_ok(format('SELECT pg_temp.act(''t_erin'', ''SELECT approval.note_look(''''pg'''', ''''t_bob'''', %s)'')', :asked), 'AP002', NULL, 'nobody looks as another');
SELECT throws_ok('SELECT pg_temp.act(''t_erin'', ''SELECT approval.note_look(''''pg'''', ''''t_erin'''', 999999)'')', 'AP014', NULL, 'what is not there');
SELECT throws_ok(format('SELECT pg_temp.act(''t_erin'', ''SELECT approval.note_look(''''pg'''', ''''t_erin'''', %s)'')', :port), 'AP015', format('nothing of request %s is sensitive: all is shown with it', :port), 'what is shown anyway');
SELECT approval.put_group('readers', ''), approval.put_readers('values', '[{"groups": ["readers"]}]') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.act(''t_erin'', ''SELECT approval.note_look(''''pg'''', ''''t_erin'''', %s)'')', :asked), 'AP025', format('the values of request %s are for those who may read them', :asked), 'a reader of requests may not');
SELECT throws_ok(format('SELECT pg_temp.act(''t_portal'', %L)', format('SELECT approval.note_look_by_session(%s, %s)', pg_temp.token('erin'), :asked)), 'AP025', NULL, 'nor on the web');
SELECT approval.put_readers('requests', '[{"groups": ["readers"]}]') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.act(''t_erin'', ''SELECT approval.note_look(''''pg'''', ''''t_erin'''', %s)'')', :asked), 'AP014', NULL, 'of what they do not know they learn nothing');
SELECT is_empty('SELECT FROM approval.look', 'nothing of that is a look');
SELECT pg_temp.act('t_bob', format('SELECT approval.note_look(''pg'', ''t_bob'', %s)', :asked)) AS look \gset
SELECT pg_temp.act('t_portal', format('SELECT approval.note_look_by_session(%s, %s)', pg_temp.token('bob'), :asked)),
    pg_temp.act('t_portal', format('SELECT approval.note_look_by_session(%s, %s)', pg_temp.token('alice'), :asked)) \g /dev/null
SELECT results_eq(format('SELECT principal, identity, assurance, login_role, detail::jsonb - ''look'' #- ''{proof,session}'' #- ''{proof,signed_in_at}'' FROM approval.audit_entry WHERE stream = %s AND act = ''values-shown'' ORDER BY seq', :asked),
    $$VALUES ('bob', 'pg:t_bob', 'authenticated', 't_bob', '{"version": 1}'::jsonb), ('bob', 'web:bob', 'authenticated', 't_portal', '{"version": 1, "proof": {"address": "192.0.2.7"}}'),
        ('alice', 'web:alice', 'authenticated', 't_portal', '{"version": 1, "proof": {"address": "192.0.2.7"}}')$$, 'whoever decides or asked may; each look is an entry of the audit, without a value');
SELECT is(pg_temp.act('t_bob', format('SELECT approval.show_request(%s) ->> ''shown_to''', :asked)), '2', 'people are counted, not looks');
SELECT throws_ok(format('SELECT pg_temp.act(''t_bob'', ''SELECT approval.show_values(%s)'')', :look), 'AP002', format('look ''%s'' is not recorded, or is over', :look), 'what could be rolled back opens nothing');
SELECT throws_ok(format('SELECT pg_temp.act(''t_bob'', ''SELECT approval.show_values(%s)'')', number), 'AP002', NULL, 'nor does no look') FROM unnest(ARRAY['NULL', '0', '-1', '999999']) AS number;
SELECT throws_ok(format('SELECT pg_temp.act(''t_bob'', ''SELECT approval.show_values(%s, ''''{a}'''')'')', :look), 'AP005', NULL, 'a page has a place');
SELECT throws_ok('UPDATE approval.look SET looked_at = now()', NULL, NULL, 'looks are never changed');
SELECT throws_ok('DELETE FROM approval.look', NULL, NULL, 'nor removed');
SELECT is(jsonb_path_query_array(approval.sensitive_items(:asked, NULL, 9), '$.items[*].value'), '["\"canary-1\"", "\"canary-1\""]', 'what a look shows');
SELECT is(approval.sensitive_items(:asked, NULL, 1) -> 'next', '["web1", "value", "db.password"]', 'by pages');
SELECT is(jsonb_path_query_array(approval.sensitive_items(:asked, '{web1,value,db.password}', 9), '$.items[*].minion'), '["web2"]', 'one behind the other');

-- A mark that is lifted holds no more, nor one of a type that another version lacks.
SELECT pg_temp.type('{}') \g /dev/null
SELECT is(pg_temp.act('t_alice', format('SELECT approval.show_request(%s) #>> ''{items,0,value}''', :asked)), '"canary-1"', 'a policy can lift it');
SELECT * FROM finish();
ROLLBACK;
