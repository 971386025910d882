-- Who may read: requests, values, the job log and the audit, of which minions, by every door.
BEGIN;
\ir support/fixture.sql
SELECT no_plan();

CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
CREATE ROLE t_chat LOGIN; GRANT approval_chat TO t_chat;
CREATE ROLE t_breaker LOGIN; GRANT approval_break_glass, approval_person TO t_breaker;
CREATE ROLE t_unknown LOGIN; GRANT approval_person TO t_unknown;
CREATE ROLE t_itsm LOGIN; GRANT approval_itsm TO t_itsm;
-- erin reads nothing but what the policy says, frank reads the shop, gina all, alice asks, bob, carol and dave decide.
SELECT approval.put_principal(name, 'person'), approval.put_identity('pg', 't_' || name, name) FROM unnest(ARRAY['erin', 'frank', 'gina', 'breaker']) AS name \g /dev/null
CREATE ROLE t_erin LOGIN IN ROLE approval_person; CREATE ROLE t_frank LOGIN IN ROLE approval_person; CREATE ROLE t_gina LOGIN IN ROLE approval_person;
SELECT approval.put_speaker('t_portal', 'web', 'authenticated'), approval.put_speaker('t_chat', 'slack', 'asserted') \g /dev/null
SELECT approval.put_identity('web', name, name), approval.put_identity('slack', name, name)
FROM unnest(ARRAY['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'gina']) AS name \g /dev/null
SELECT approval.put_group('shop-readers', ''), approval.put_group('all-readers', ''), approval.put_membership('shop-readers', 'frank'), approval.put_membership('all-readers', 'gina') \g /dev/null
SELECT approval.put_minion_group('shop', '', '{web1,web2}'), approval.put_minion_group('data', '', '{web_}') \g /dev/null
SELECT approval.put_request_type('{"name": "back", "kind": "any", "requesters": ["*"], "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}]}') \g /dev/null

CREATE FUNCTION pg_temp.token(name text) RETURNS text LANGUAGE sql AS $$
SELECT quote_literal('\x' || encode(sha256(convert_to(name, 'UTF8')), 'hex')) || '::bytea'
$$;
-- A statement, which has $token, on the web; and what came of it: a value, or the SQLSTATE and the sentence of its refusal.
CREATE FUNCTION pg_temp.web(name text, statement text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_portal', 'SELECT ' || replace(statement, '$token', pg_temp.token(name)))
$$;
CREATE FUNCTION pg_temp.tried(door text, who text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    RETURN CASE door WHEN 'web' THEN pg_temp.web(who, statement) ELSE pg_temp.act(who, 'SELECT ' || statement) END;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' ', SQLSTATE, SQLERRM, nullif(hint, ''));
END
$$;
SELECT pg_temp.web(name, format('approval.begin_session(''web'', %L, $token, ''c'', ''192.0.2.7'', ''infinity'', ''{}'')', name))
FROM unnest(ARRAY['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'gina']) AS name \g /dev/null

-- One request over the shop, one over the data, one over both, one over a minion of no group; the first two are in force and found.
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'till', '7.7') AS shop \gset
SELECT pg_temp.ask('t_alice', 'standard', '{web_}', 'base', '8.8') AS data \gset
SELECT pg_temp.ask('t_alice', 'package', '{web1,web_}', 'both', '9.9') AS mixed \gset
SELECT pg_temp.ask('t_alice', 'package', '{%}', 'lonely', '6.6') AS lonely \gset
SELECT pg_temp.report('web1', 1, '{till}', '{converged}', '{7.7}', 'r1'), pg_temp.report('web_', 1, '{base}', '{failed}', '{8.1}', 'r2') \g /dev/null
UPDATE approval.document SET valid_from = now() WHERE valid_until = 'infinity';
UPDATE approval.item SET effective_at = now() WHERE effective_at IS NOT NULL;
SELECT pg_temp.act('t_runner', format('SELECT approval.put_plan(''salt'', ''alice'', %s, %L, %L)', :mixed, (SELECT digest FROM approval.item_set WHERE request_id = :mixed),
    '[{"minion": "web1", "outcome": "changes", "changes": {"both": {"old": "", "new": "9.9"}}, "comment": "would install 9.9"}]')) \g /dev/null
-- Jobs: on the shop, on the data, on a list of both, on all.
SELECT pg_temp.act('t_returner', format('SELECT approval.save_load(%L, ''cmd.run'', %L, %L, ''root'', %L, ''\x00'', false, %s, %L, false, false)',
    to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MI') || lpad(number::text, 8, '0'), tgt, tgt_type, minions, extract(epoch FROM now()), command))
FROM (VALUES (1, 'web1', 'glob', '{web1}', 'salt web1 cmd.run one'), (2, 'web_', 'glob', '{web_}', 'salt web_ cmd.run two'),
        (3, 'web1,web_', 'list', '{web1,web_}', 'salt -L web1,web_ cmd.run three'), (4, '*', 'glob', '{web1,web2,web_,%}', 'salt * cmd.run four')) AS job (number, tgt, tgt_type, minions, command) \g /dev/null

-- Nothing is limited while the policy says nothing.
SELECT is(pg_temp.tried('web', 'erin', format('approval.show_request_by_session($token, %s, NULL, NULL, 10) #>> ''{items,0,value}''', :shop)), '7.7', 'without readers everybody reads');
SELECT is(approval.put_readers('requests', NULL), false, 'which saying so does not change');
SELECT is_empty('SELECT * FROM approval.request_reach', 'and costs nothing');

-- Readers as a policy can have them.
SELECT throws_ok(format('SELECT approval.put_readers(%L, %L)', what, readers), 'AP017', NULL, why)
FROM (VALUES ('everything', '[{"groups": ["owners"]}]', 'nothing that is read'), (NULL, NULL, 'nor NULL'), ('requests', '[]', 'an empty list could mean both'),
        ('requests', '{}', 'no list'), ('requests', '["owners"]', 'an entry that is no mapping'), ('requests', '[{"groups": []}]', 'nobody in an entry'),
        ('requests', '[{"minion_group": "shop"}]', 'no groups'), ('requests', '[{"groups": ["owners"], "minions": "shop"}]', 'another key'),
        ('requests', '[{"groups": ["strangers"]}]', 'an unknown group'), ('requests', '[{"groups": [null]}]', 'no name'),
        ('requests', '[{"groups": ["owners"], "minion_group": "elsewhere"}]', 'an unknown group of minions'),
        ('requests', '[{"groups": ["owners"], "minion_group": null}]', 'or none')) AS bad (what, readers, why);
SELECT throws_ok(format('SELECT pg_temp.act(%L, ''SELECT approval.put_readers(NULL, NULL)'')', login), '42501', NULL, login || ' names no readers')
FROM unnest(ARRAY['t_alice', 't_runner', 't_portal', 't_chat', 't_auditor']) AS login;
SELECT is(approval.put_readers(what, '[{"groups": ["all-readers"]}, {"groups": ["shop-readers"], "minion_group": "shop"}]'), true, what || ' is limited')
FROM unnest(ARRAY['requests', 'values', 'job_log', 'audit']) AS what;
SELECT is(approval.put_readers('values', '[{"minion_group": "shop", "groups": ["shop-readers"]}, {"groups": ["all-readers"]}]'), false, 'the same again is no change');
SELECT is(approval.show_policy() -> 'readers' -> 'values', '[{"groups": ["all-readers"]}, {"groups": ["shop-readers"], "minion_group": "shop"}]', 'the policy shows it');
SELECT is((SELECT detail::jsonb ->> 'what' FROM approval.audit_entry WHERE stream = 0 AND act = 'readers-put' ORDER BY seq LIMIT 1), 'requests', 'the audit has it');

-- Requests by their readers.
CREATE FUNCTION pg_temp.sees(door text, who text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.tried(door, who, CASE door WHEN 'web' THEN 'coalesce(string_agg(request_id::text, '','' ORDER BY request_id), ''none'') FROM approval.list_requests_by_session($token, NULL, NULL, false, false, NULL, 50)'
    ELSE 'coalesce(string_agg(request_id::text, '','' ORDER BY request_id), ''none'') FROM approval.list_requests(NULL, NULL, NULL, NULL, NULL, 50)' END)
$$;
SELECT is(pg_temp.sees(door, who), wanted, format('%s by %s', who, door))
FROM (VALUES ('web', 'erin', 'none'), ('web', 'frank', :'shop'), ('web', 'gina', concat_ws(',', :shop, :data, :mixed, :lonely)), ('web', 'alice', concat_ws(',', :shop, :data, :mixed, :lonely)),
        ('web', 'bob', concat_ws(',', :mixed, :lonely)), ('web', 'dave', concat_ws(',', :mixed, :lonely)), ('own', 't_erin', 'none'), ('own', 't_frank', :'shop'),
        ('own', 't_gina', concat_ws(',', :shop, :data, :mixed, :lonely)), ('own', 't_unknown', 'none'), ('own', 't_chat', 'none'),
        ('own', 't_runner', concat_ws(',', :shop, :data, :mixed, :lonely)), ('own', 't_auditor', concat_ws(',', :shop, :data, :mixed, :lonely)),
        ('own', 't_policy', concat_ws(',', :shop, :data, :mixed, :lonely))) AS case_of (door, who, wanted);
SELECT is(pg_temp.tried('web', 'frank', 'concat_ws('','', request_id, total) FROM approval.list_requests_by_session($token, NULL, NULL, false, false, NULL, 50)'), concat_ws(',', :shop, 1), 'what is left out is not counted');
SELECT is(pg_temp.act('t_erin', format('SELECT count(*) FROM approval.list_requests(NULL, NULL, NULL, NULL, NULL, 50, %s)', principal_id)), '0', 'nobody reads as somebody else, though they name them')
FROM approval.principal WHERE name = 'gina';

-- One address, of what there is and may not be read, and of what there is not: the answer is the same, but for the number.
CREATE TEMP TABLE door (who text, way text, statement text);
INSERT INTO door
SELECT who, 'web', statement FROM unnest(ARRAY['erin', 'frank']) AS who, unnest(ARRAY['approval.show_request_by_session($token, $n, NULL, NULL, 10)', 'approval.show_plan_by_session($token, $n)',
    '* FROM approval.next_opening_by_session($token, $n)', 'approval.cancel_by_session($token, $n, ''x'')', 'approval.review_by_session($token, $n, ''x'')',
    'approval.decide_by_session($token, $n, ''approve'', ''x'', ''sha256:0'', 1)', 'approval.revert_by_session($token, $n, NULL, ''x'', ''back'', NULL, NULL)',
    'approval.show_audit_entry_by_session($token, $n, 1)', 'count(*) FROM approval.list_audit_by_session($token, $n, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10)']) AS statement
UNION ALL
SELECT who, 'own', replace(statement, '$who', who) FROM unnest(ARRAY['t_erin', 't_frank']) AS who, unnest(ARRAY['approval.show_request($n)', 'approval.show_plan($n)', 'approval.show_rollout($n)',
    'count(*) FROM approval.audit_trail($n)', 'approval.cancel_request(''pg'', ''$who'', $n, ''x'')', 'approval.decide(''pg'', ''$who'', $n, ''approve'', ''x'', NULL)',
    'approval.review_request(''pg'', ''$who'', $n, ''x'')', 'approval.revert_request(''pg'', ''$who'', $n, NULL, ''x'', ''back'', NULL)',
    'approval.amend_request(''pg'', ''$who'', $n, ''{web1}'', ''{package}'', ''{a}'', ''{1}'', ''x'')', 'approval.resolve_overlap(''pg'', ''$who'', $n, 1, ''wait'')',
    'approval.resume_rollout(''pg'', ''$who'', $n, ''go-on'', ''x'')', 'approval.retry_outbox(''pg'', ''$who'', ''salt'', ''request/$n'')', 'approval.drop_outbox(''pg'', ''$who'', ''log'', ''request/$n'')']) AS statement;
SELECT is(regexp_replace(pg_temp.tried(way, who, replace(statement, '$n', hidden::text)), format('\m%s\M', hidden), 'N', 'g'), replace(pg_temp.tried(way, who, replace(statement, '$n', '999999')), '999999', 'N'),
    format('%s learns nothing of %s by %s', who, hidden, statement))
FROM door, unnest(ARRAY[:data, :mixed, :lonely]::bigint[]) AS hidden;
SELECT is(pg_temp.tried('own', 't_breaker', format('approval.break_glass(''pg'', ''t_breaker'', %s, ''x'')', :data)), format('AP014 there is no request %s', :data), 'nor by breaking the glass');
-- The same of minions.
TRUNCATE door;
INSERT INTO door
SELECT who, 'web', statement FROM unnest(ARRAY['erin', 'frank']) AS who, unnest(ARRAY['approval.show_minion_by_session($token, ''$m'')', 'count(*) FROM approval.list_returns_by_session($token, ''$m'', NULL, 10)',
    'count(*) FROM approval.list_jobs_by_session($token, ''$m'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10)', 'count(*) FROM approval.list_requests_by_session($token, NULL, ''$m'', false, false, NULL, 10)',
    'count(*) FROM approval.search_packages_by_session($token, ''a'', ''$m'', 10)', 'count(*) FROM approval.list_minions_by_session($token, ''$m'', NULL, 10) WHERE minion_id = ''$m''']) AS statement
UNION ALL
SELECT who, 'own', statement FROM unnest(ARRAY['t_erin', 't_frank']) AS who, unnest(ARRAY['approval.show_state(''$m'')', 'approval.why(''$m'', ''package'', ''base'')', 'approval.show_minion(''$m'')', 'approval.busy(''$m'')',
    'count(*) FROM approval.list_requests(NULL, ''$m'', NULL, NULL, NULL, 10)', 'count(*) FROM approval.list_reinstalls(''$m'', 10)', 'count(*) FROM approval.list_catch_ups(''$m'', 10)',
    'count(*) FROM approval.search_packages(''a'', ''$m'', 10)', 'minions FROM approval.catalog_progress(''{$m}'', now())', 'count(*) FROM approval.list_minions() WHERE minion_id = ''$m''']) AS statement;
SELECT is(replace(pg_temp.tried(way, who, replace(statement, '$m', hidden)), hidden, 'M'), replace(pg_temp.tried(way, who, replace(statement, '$m', 'nowhere9')), 'nowhere9', 'M'),
    format('%s learns nothing of %s by %s', who, hidden, statement))
FROM door, unnest(ARRAY['web_', '%']) AS hidden;
SELECT is(pg_temp.tried('web', 'frank', 'count(*) FROM approval.list_group_by_session($token, ''data'')'), 'AP004 there is no group of minions ''data''', 'nor by a group of minions');
SELECT is(pg_temp.tried('web', 'frank', 'string_agg(minion_group || minions, '','') FROM approval.list_groups_by_session($token)'), 'shop2', 'or by all groups');
SELECT is(pg_temp.tried('web', 'frank', 'string_agg(minion_id, '','') FROM approval.list_minions_by_session($token, NULL, NULL, 50)'), 'web1,web2', 'minions that are listed');
SELECT is(pg_temp.tried('web', 'frank', 'string_agg(concat_ws('' '', minion_group, standing, minions), '','' ORDER BY minion_group NULLS FIRST, standing) FROM approval.compliance_by_session($token)'),
    'converged 1,waiting 1,shop converged 1,shop waiting 1', 'and counted');
SELECT is(pg_temp.act('t_frank', 'SELECT sum(minions) FROM approval.compliance()'), '2', 'also by command');
SELECT is(pg_temp.tried(door, who, statement), wanted, format('deviations for %s by %s', who, door))
FROM (VALUES ('web', 'frank', 'count(*) FROM approval.out_of_line_by_session($token, 10, NULL, NULL, NULL)', '0'), ('web', 'gina', 'expected FROM approval.out_of_line_by_session($token, 10, NULL, NULL, NULL)', '8.8'),
        ('own', 't_frank', 'count(*) FROM approval.out_of_line(10)', '0'), ('own', 't_gina', 'observed FROM approval.out_of_line(10)', '8.1')) AS case_of (door, who, statement, wanted);
SELECT is(pg_temp.tried('web', who, 'string_agg(request_id::text, '','') FROM approval.replay_type_by_session($token, ''{"name": "standard", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": []}'', 50)'),
    wanted, 'what a definition would have made of requests that may be read, for ' || who)
FROM (VALUES ('erin', NULL), ('frank', :'shop'), ('gina', concat_ws(',', :data, :shop))) AS case_of (who, wanted);

-- The whole audit.
SELECT is(left(pg_temp.tried(door, who, statement), 5), 'AP025', format('not for %s by %s', who, statement))
FROM (VALUES ('web', 'erin', 'count(*) FROM approval.export_audit_by_session($token)'), ('web', 'frank', 'count(*) FROM approval.export_audit_by_session($token)'),
        ('web', 'frank', 'approval.verify_audit_by_session($token, NULL)'), ('own', 't_frank', 'count(*) FROM approval.export_audit()'), ('own', 't_erin', 'count(*) FROM approval.verify_audit()'),
        ('own', 't_alice', 'count(*) FROM approval.export_audit()')) AS case_of (door, who, statement);
SELECT is(pg_temp.tried(door, who, statement), '0', format('for %s by %s', who, statement))
FROM (VALUES ('web', 'gina', 'approval.verify_audit_by_session($token, NULL) ->> ''problem_count'''), ('own', 't_gina', 'count(*) FROM approval.verify_audit()'), ('own', 't_runner', 'count(*) FROM approval.verify_audit()'),
        ('own', 't_auditor', 'count(*) FROM approval.verify_audit()'), ('own', 't_frank', 'count(*) FROM approval.audit_trail(0)'), ('web', 'frank', 'count(*) FROM approval.list_audit_by_session($token, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10)')) AS case_of (door, who, statement);
SELECT is(pg_temp.tried('web', 'frank', 'string_agg(DISTINCT stream::text, '','') FROM approval.list_audit_by_session($token, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 100)'), :'shop', 'acts on requests of the shop');
SELECT cmp_ok(pg_temp.tried('web', 'frank', format('approval.show_audit_entry_by_session($token, %s, 1) ->> ''seq''', :shop)), '=', '1', 'each by its address');

-- The job log.
CREATE FUNCTION pg_temp.jobs(who text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.tried('web', who, 'string_agg(concat_ws(''|'', command, tgt, array_to_string(minions, '' ''), minion_count), E''\n'' ORDER BY jid) FROM approval.list_jobs_by_session($token, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50)')
$$;
SELECT is(pg_temp.jobs('erin'), NULL, 'none for somebody who may not read it');
SELECT is(pg_temp.jobs('frank'), E'salt web1 cmd.run one|web1|web1|1\ncmd.run •••|•••|web1|2\nsalt * cmd.run four|*|web1 web2|4', 'those on the shop; of a target that names others not more than the function');
SELECT is((SELECT count(*) FROM string_to_table(pg_temp.jobs('gina'), E'\n')), 4::bigint, 'and all');
SELECT is(approval.log_overlap(NULL, p.minion_bits, approval.log_mask('{shop}')), 2::bigint, 'bits are compared with bits')
FROM approval.packed_minions('{web1,web2,web_,%}') AS m, LATERAL (SELECT string_agg(set_byte('\x00', 0, coalesce(b.bits, 0)), '' ORDER BY place) AS minion_bits
    FROM generate_series(0, m.minions[m.minion_count] / 8 + 3) AS place LEFT JOIN (SELECT n / 8 AS at, bit_or(1 << n % 8) AS bits FROM unnest(m.minions) AS n GROUP BY 1) AS b ON b.at = place) AS p;
SELECT is(pg_temp.tried('web', 'frank', 'observed FROM approval.list_returns_by_session($token, ''web1'', NULL, 10), jsonb_to_recordset(findings) AS f (observed text)'), NULL, 'returns that are in line say nothing');

-- Who has a part in a request sees it, with its values.
SELECT is(pg_temp.tried('web', who, format('approval.show_request_by_session($token, %s, NULL, NULL, 10) #>> ''{items,0,value}''', :mixed)), '9.9', who || ' has a part in it')
FROM unnest(ARRAY['alice', 'bob', 'dave']) AS who;
SELECT is(pg_temp.act('t_bob', format('SELECT approval.show_plan(%s) #>> ''{answers,0,changes,both,new}''', :mixed)), '9.9', 'and in its plan');
SELECT pg_temp.act('t_bob', 'SELECT approval.delegate(''pg'', ''t_bob'', ''erin'', now(), now() + interval ''1 day'')') \g /dev/null
SELECT is(pg_temp.sees('web', 'erin'), concat_ws(',', :mixed, :lonely), 'so does who stands in for one of those who decide');
UPDATE approval.delegation SET starts_at = starts_at - interval '2 days', ends_at = now() - interval '1 day';
SELECT is(pg_temp.sees('web', 'erin'), 'none', 'no longer than that');

-- Values alone.
SELECT approval.put_readers('requests', NULL), approval.put_readers('job_log', NULL) \g /dev/null
SELECT is(pg_temp.sees('web', 'erin'), concat_ws(',', :shop, :data, :mixed, :lonely), 'requests are for all again');
CREATE FUNCTION pg_temp.shown(door text, who text, what text, given text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.tried(door, who, CASE door WHEN 'web' THEN format('approval.%s_by_session($token, %s)', what, given) ELSE format('approval.%s(%s)', what, given) END)
$$;
SELECT unalike(pg_temp.shown(door, who, what, given), pattern, format('no value for %s by %s %s', who, what, given))
FROM (VALUES ('web', 'erin', 'show_request', :'shop' || ', NULL, NULL, 10', '%"7.7"%'), ('web', 'frank', 'show_request', :'mixed' || ', NULL, NULL, 10', '%"9.9"%'), ('web', 'frank', 'show_plan', :'mixed', '%"9.9"%'),
        ('web', 'erin', 'show_minion', '''web1''', '%"7.7"%'), ('web', 'frank', 'show_minion', '''web_''', '%"8._"%'), ('own', 't_erin', 'show_state', '''web1''', '%"7.7"%'),
        ('own', 't_erin', 'why', '''web1'', ''package'', ''till''', '%"7.7"%'), ('own', 't_frank', 'show_request', :'mixed', '%"9.9"%'), ('own', 't_frank', 'show_plan', :'mixed', '%"9.9"%'),
        ('own', 't_chat', 'show_request', :'mixed', '%"9.9"%')) AS case_of (door, who, what, given, pattern);
SELECT alike(pg_temp.shown(door, who, what, given), pattern, format('values for %s by %s %s', who, what, given))
FROM (VALUES ('web', 'frank', 'show_request', :'shop' || ', NULL, NULL, 10', '%"7.7"%'), ('web', 'bob', 'show_plan', :'mixed', '%"9.9"%'), ('web', 'frank', 'show_minion', '''web1''', '%"7.7"%'),
        ('web', 'gina', 'show_minion', '''web_''', '%"8.8"%'), ('own', 't_frank', 'show_state', '''web1''', '%"7.7"%'), ('own', 't_runner', 'show_state', '''web_''', '%"8.8"%'),
        ('web', 'erin', 'show_request', :'shop' || ', NULL, NULL, 10', '%"value": "•••"%')) AS case_of (door, who, what, given, pattern);
SELECT is(pg_temp.tried('web', 'erin', format('concat_ws(''|'', s ->> ''digest'', jsonb_array_length(s -> ''groups''), s #>> ''{items,0,name}'') FROM approval.show_request_by_session($token, %s, NULL, NULL, 10) AS s', :shop)),
    '•••|1|till', 'no digest to try values by; the names stay');
SELECT is(pg_temp.tried('web', who, 'concat_ws(''|'', minion_id, expected, observed, why) FROM approval.out_of_line_by_session($token, 10, NULL, NULL, NULL)'), wanted, 'deviations, for ' || who)
FROM (VALUES ('erin', 'web_|•••|•••|•••'), ('gina', 'web_|8.8|8.1|as seen')) AS case_of (who, wanted);
SELECT is(pg_temp.tried('web', who, 'concat_ws(''|'', f.expected, f.observed, f.text) FROM approval.list_returns_by_session($token, ''web_'', NULL, 10), jsonb_to_recordset(findings) AS f (expected text, observed text, text text)'), wanted, 'findings, for ' || who)
FROM (VALUES ('erin', '•••|•••'), ('gina', '8.1|as seen')) AS case_of (who, wanted);
SELECT is(approval.readable_request('{"rollout": {"state": "halted", "failures": [{"minion": "web1", "reason": "9.9 was not found"}]}}', false) -> 'rollout',
    '{"state": "halted", "failures": [{"minion": "web1", "reason": "•••"}]}', 'nor what minions said of them');
SELECT is(approval.hidden('{"a": {"b": [1, {"value": 5, "c": "x"}]}, "value": null, "before": {"value": null}}', '{value}'), '{"a": {"b": [1, {"value": "•••", "c": "x"}]}, "value": null, "before": {"value": "•••"}}', 'at any depth');

-- Who reads a channel or a ticket nobody knows; somebody who asks by chat is known.
SELECT unalike(pg_temp.act('t_chat', format('SELECT approval.chat_story(%L)', 'request/' || :mixed)), '%"9.9"%', 'a channel has no values');
SELECT alike(pg_temp.act('t_chat', format('SELECT approval.chat_story(%L)', 'ask/' || :mixed || '/bob')), '%"9.9"%', 'who is asked to decide sees them');
SELECT alike(pg_temp.act('t_chat', format('SELECT approval.chat_story(%L, ''slack'', ''frank'')', 'request/' || :shop)), '%"7.7"%', 'so does who asks and may read them');
SELECT unalike(pg_temp.act('t_chat', format('SELECT approval.chat_story(%L, ''slack'', ''frank'')', 'request/' || :data)), '%"8.8"%', 'and may not');
SELECT approval.put_readers('requests', '[{"groups": ["shop-readers"], "minion_group": "shop"}]'), approval.put_readers('job_log', '[{"groups": ["shop-readers"], "minion_group": "shop"}]') \g /dev/null
SELECT is(pg_temp.act('t_chat', format('SELECT approval.chat_story(%L, ''slack'', ''frank'')', 'request/' || :data)), NULL, 'for whom there is no request that they may not read');
SELECT is(approval.readable_notice(topic, body), wanted, 'notices of ' || topic)
FROM (VALUES ('drift', '{"found": [{"name": "a", "expected": "1", "observed": null}]}'::jsonb, '{"found": [{"name": "a", "expected": "•••", "observed": null}]}'::jsonb),
        ('jobs', '{"fun": "cmd.run", "command": "salt web1 cmd.run x", "target": "web1", "minions": ["web1"]}', '{"fun": "cmd.run", "command": "•••", "target": "•••"}'),
        ('alarms', '{"what": "salt web1 cmd.run x", "kind": "x"}', '{"what": "•••", "kind": "x"}'), ('requests', '{"act": "approved"}', '{"act": "approved"}')) AS notice (topic, body, wanted);

-- Groups of minions change, and requests with them.
CREATE FUNCTION pg_temp.reach() RETURNS SETOF text LANGUAGE sql AS $$
SELECT concat_ws(' ', n.request_id, array_to_string(coalesce(g.minion_groups, '{}'), ','), count(*))
FROM (SELECT DISTINCT i.request_id, i.minion_id FROM approval.item AS i) AS n LEFT JOIN approval.read_groups() AS g USING (minion_id) GROUP BY n.request_id, g.minion_groups
$$;
SELECT set_eq($$SELECT concat_ws(' ', request_id, array_to_string(minion_groups, ','), minions) FROM approval.request_reach$$, 'SELECT pg_temp.reach()', 'what is kept is what there is');
SELECT is(pg_temp.sees('web', 'frank'), :'shop', 'of the shop');
SELECT approval.put_minion_group('shop', '', '{web1,web2,web_}') \g /dev/null
SELECT is(pg_temp.sees('web', 'frank'), concat_ws(',', :shop, :data, :mixed), 'and of what came to it');
SELECT set_eq($$SELECT concat_ws(' ', request_id, array_to_string(minion_groups, ','), minions) FROM approval.request_reach$$, 'SELECT pg_temp.reach()', 'counted as they came');
SELECT pg_temp.ask('t_alice', 'package', '{web1,%}', 'more', '1') AS more \gset
SELECT is(pg_temp.sees('web', 'frank'), concat_ws(',', :shop, :data, :mixed), 'a new request names others as well');
SELECT pg_temp.act('t_alice', format('SELECT approval.amend_request(''pg'', ''t_alice'', %s, ''{web1}'', ''{package}'', ''{more}'', ''{1}'', ''fewer'')', :more)) \g /dev/null
SELECT is(pg_temp.sees('web', 'frank'), concat_ws(',', :shop, :data, :mixed), 'or named them before');
SELECT approval.put_minion_group('shop', '', '{web1}') \g /dev/null
SELECT is(pg_temp.sees('web', 'frank'), 'none', 'what left takes its requests with it');
SELECT set_eq($$SELECT concat_ws(' ', request_id, array_to_string(minion_groups, ','), minions) FROM approval.request_reach$$, 'SELECT pg_temp.reach()', 'as they are then');
SELECT is_empty('SELECT FROM approval.check_policy() WHERE subject ~ ''readers''', 'somebody may read all of it');
SELECT approval.drop_membership('shop-readers', 'frank') \g /dev/null
SELECT is((SELECT string_agg(subject || ': ' || problem, '; ' ORDER BY subject) FROM approval.check_policy() WHERE subject ~ 'readers of (audit|requests)'),
    'readers of audit: nobody may read them of shop: the group shop-readers has no members; readers of requests: nobody may read them of shop: the group shop-readers has no members', 'the check names what nobody may read');
SELECT is(pg_temp.tried('web', 'frank', 'count(*) FROM approval.list_minions_by_session($token, NULL, NULL, 50)'), '0', 'who leaves the group reads no more');
SELECT is(pg_temp.tried('web', who, 'reads FROM approval.use_session($token)')::jsonb -> 'requests', wanted, 'the pages are told what is left out, for ' || who)
FROM (VALUES ('frank', '[]'::jsonb), ('gina', '[]'), ('alice', '[]')) AS case_of (who, wanted);
SELECT is(approval.put_readers(what, NULL), true, what || ' is for everybody again') FROM unnest(ARRAY['requests', 'values', 'job_log', 'audit']) AS what;
SELECT is_empty('SELECT * FROM approval.request_reach', 'of which nothing is kept');
SELECT is(pg_temp.tried('web', 'erin', 'reads FROM approval.use_session($token)'), '{}', 'and nothing is left out');

SELECT * FROM finish();
ROLLBACK;
