BEGIN;
\ir support/fixture.sql
SELECT plan(144);

CREATE FUNCTION pg_temp.submit(type text, minions text[], kind text, names text[], contents text[], reference text DEFAULT NULL) RETURNS bigint
    LANGUAGE sql AS $$
SELECT pg_temp.act('t_alice', format(
    'SELECT approval.submit_request(''pg'', ''t_alice'', %L, ''because'', %L, %L, %L, %L, NULL, ''pg'', %L)',
    type, minions, array_fill(kind, ARRAY[cardinality(minions)]), names, contents, reference))::bigint
$$;
CREATE FUNCTION pg_temp.content(request bigint) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(coalesce(content, 'NULL'), ' ' ORDER BY name) FROM approval.item WHERE request_id = request AND state <> 'void'
$$;
SELECT approval.put_request_type('{"name": "value", "kind": "value", "requesters": ["*"], "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}]}'),
    approval.put_request_type('{"name": "service", "kind": "service", "requesters": ["*"], "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}]}'),
    approval.put_request_type('{"name": "free", "kind": "value", "requesters": ["*"], "pre_approved": true, "chain": []}'),
    approval.put_request_type('{"name": "flush", "kind": "action", "action": {"function": "cache.flush"}, "requesters": ["*"], "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}]}')
\g /dev/null

-- A value is stored as Python writes it.
SELECT is(approval.item_content('value', 'v', given), stored, format('%s is stored as %s', given, stored))
FROM (VALUES
    (' "a" ', '"a"'), ('"\u00fc\ud83d\ude00\/"', '"ü😀/"'), ('"\u0001\u001f\u007f\b\f\n\r\t\"\\"', E'"\\u0001\\u001f\x7f\\b\\f\\n\\r\\t\\"\\\\"'),
    ('{ "b": 1,  "a": [ true, false, null ], "": {} }', '{"":{},"a":[true,false,null],"b":1}'),
    ('{"bb": 1, "a": 2, "\ud83d\ude00": 3, "\uffee": 4, "ä": 5, "Z": 6}', '{"Z":6,"a":2,"bb":1,"ä":5,"￮":4,"😀":3}'),
    ('[]', '[]'), ('[[], {}, [1]]', '[[],{},[1]]'), ('null', 'null'), (E'\ttrue\n', 'true'), (' 7 ', '7'), (E'\n1.50 ', '1.5'),
    ('18446744073709551615', '18446744073709551615'), ('-9223372036854775808', '-9223372036854775808'), ('-0', '0'),
    ('1.10', '1.1'), ('1e3', '1000.0'), ('1E3', '1000.0'), ('1.0', '1.0'), ('-0.0', '-0.0'), ('0e9', '0.0'), ('1e16', '1e+16'), ('1e15', '1000000000000000.0'),
    ('1e-7', '1e-07'), ('0.0001', '0.0001'), ('0.00001', '1e-05'), ('123456.789e3', '123456789.0'), ('1e22', '1e+22'), ('1e23', '1e+23'),
    ('1.7976931348623157e308', '1.7976931348623157e+308'), ('5e-324', '5e-324'), ('0.30000000000000004', '0.30000000000000004'),
    ('9007199254740993', '9007199254740993'), ('2.2250738585072014e-308', '2.2250738585072014e-308')) AS v (given, stored);
SELECT is(approval.item_content('value', 'v', stored), stored, 'and as it is, if it is so already: ' || stored)
FROM unnest(ARRAY['{"a":[1,2.5,"x"],"b":{"c":null}}', '1e+16', '"é"']) AS stored;
SELECT is(approval.item_content('value', 'v', repeat('[', 100) || repeat(']', 100)), repeat('[', 100) || repeat(']', 100), 'a hundred deep');

-- What cannot reach a minion unchanged is refused, by where it is.
SELECT throws_ok(format('SELECT approval.item_content(''value'', ''v'', %L)', given), 'AP005', message, left(given, 40))
FROM (VALUES
    ('18446744073709551616', 'the value of v is a number that Salt cannot carry'),
    ('{"ring": [1, -9223372036854775809]}', 'the value of v at ring[1] is a number that Salt cannot carry'),
    ('{"a": {"b": 85070591730234615865843651857942052864}}', 'the value of v at a.b is a number that Salt cannot carry'),
    ('1e400', 'the value of v is a number that Salt cannot carry'), ('1e-400', 'the value of v is a number that Salt cannot carry'),
    ('-1e309', 'the value of v is a number that Salt cannot carry'), ('1e999999', 'the value of v holds a number that Salt cannot carry'),
    ('[0.1234567890123456789]', 'the value of v at [0] is a number with more digits than Salt can carry'),
    ('9007199254740993.0', 'the value of v is a number with more digits than Salt can carry'),
    ('{"a": {"b": 1, "b": 1}}', 'the value of v at a has a key twice'), ('{"a": 1, "\u0061": 2}', 'the value of v has a key twice'),
    ('"\u0000"', 'the value of v holds a NUL character'), ('{"\u0000": 1}', 'the value of v holds a NUL character'),
    ('"\ud800"', 'the value of v is not JSON'), ('"\udc00\ud800"', 'the value of v is not JSON'),
    ('NaN', 'the value of v is not JSON'), ('Infinity', 'the value of v is not JSON'), ('01', 'the value of v is not JSON'), ('1.', 'the value of v is not JSON'),
    ('', 'the value of v is not JSON'), ('{"a": 1,}', 'the value of v is not JSON'), ('no', 'the value of v is not JSON'), ('1 2', 'the value of v is not JSON'),
    (repeat('[', 101) || repeat(']', 101), 'the value of v is nested more than 100 deep'),
    (repeat('{"a":', 101) || '1' || repeat('}', 101), 'the value of v is nested more than 100 deep'),
    (repeat('[', 400000), 'the value of v is nested too deep'),
    (to_json(repeat('x', 65536))::text, 'the value of v is longer than 65536 bytes'), (repeat(' ', 2000000), 'the value of v is longer than 65536 bytes')) AS v (given, message);
SELECT throws_ok(format('SELECT approval.item_content(''action'', ''cache.flush'', %L)', given), 'AP005', NULL, 'no parameters: ' || given)
FROM unnest(ARRAY['[]', '"a"', 'null', '1']) AS given;

-- Whoever asks, on whatever way.
SELECT is(pg_temp.content(pg_temp.submit('value', '{web1,web2}', 'value', '{v,v}', ARRAY['{"b":1e3, "a":1.10}', '{ "a": 1.1,"b":1000.0}'])),
    '{"a":1.1,"b":1000.0} {"a":1.1,"b":1000.0}', 'by submit_request');
SELECT throws_ok($$SELECT pg_temp.submit('value', '{web1}', 'value', '{v}', '{18446744073709551616}')$$, 'AP005', NULL, 'and refused there');
SELECT throws_ok($$SELECT pg_temp.submit('free', '{web1}', 'value', '{v}', '{"[1e400]"}')$$, 'AP005', NULL, 'nothing of it is approved');
SELECT pg_temp.submit('value', '{web1}', 'value', '{w}', '{1}') AS amended \gset
SELECT pg_temp.act('t_alice', format('SELECT approval.amend_request(''pg'', ''t_alice'', %s, ''{web1}'', ''{value}'', ''{w}'', %L, NULL)', :amended, ARRAY['[ 2 ]'])) \g /dev/null
SELECT is(pg_temp.content(:amended), '[2]', 'by amend_request');
SELECT throws_ok(format($$SELECT pg_temp.act('t_alice', 'SELECT approval.amend_request(''pg'', ''t_alice'', %s, ''{web1}'', ''{value}'', ''{w}'', ''{1e999}'', NULL)')$$, :amended),
    'AP005', NULL, 'and refused there');
SELECT is(pg_temp.content(pg_temp.submit('flush', '{web1}', 'action', '{cache.flush}', ARRAY['{ "n": 1E2 }'])), '{"n":100.0}', 'parameters of an action too');
SELECT is(pg_temp.submit('value', '{web1}', 'value', '{x}', ARRAY['{"a":1, "b":2}'], 'R-1'), pg_temp.submit('value', '{web1}', 'value', '{x}', ARRAY['{"b":2,"a":1}'], 'R-1'),
    'what is the same in another spelling is the same request');

-- Nothing is removed unless somebody said so.
SELECT throws_ok($$SELECT pg_temp.submit('package', '{web1,web2}', 'package', '{a,a}', '{1,NULL}')$$, 'AP005', 'nothing is said of what package a shall be', 'NULL is no wish');
SELECT throws_ok($$SELECT pg_temp.act('t_alice', 'SELECT approval.submit_request(''pg'', ''t_alice'', ''package'', '''', ''{web1}'', ''{package}'', ''{a}'', NULL, NULL, ''pg'', NULL)')$$,
    'AP005', NULL, 'nor are no values');
SELECT throws_ok(format($$SELECT pg_temp.submit('%s', '{web1}', '%1$s', '{a}', '{NULL}')$$, kind), 'AP005', NULL, 'nor NULL for a ' || kind)
FROM unnest(ARRAY['service', 'value']) AS kind;
SELECT is(pg_temp.content(pg_temp.submit('package', '{web1,web1,web1}', 'package', '{a,b,c}', '{absent,Removed,LATEST}')), 'NULL NULL latest', 'words for what has no version');
SELECT throws_ok(format($$SELECT pg_temp.submit('package', '{web1}', 'package', '{a}', '{%s}')$$, word), 'AP005', NULL, 'no version: ' || word)
FROM unnest(ARRAY['none', '"null"', 'False', 'purged', 'installed', 'present', 'any', 'true', '""']) AS word;

-- Names that some platforms have.
SELECT lives_ok(format('SELECT approval.item_type(%L, %L, %L)', kind, name, content), format('%s %s %s', kind, name, content))
FROM (VALUES ('package', 'sysutils/dmidecode', '3.1,1'), ('package', 'app-misc/screen', '4.9.0-r1'), ('package', 'hello', '2015.7,1'), ('service', 'MSSQL$INSTANCE', 'running'),
             ('service', 'Windows Update', 'dead')) AS v (kind, name, content);
SELECT throws_ok(format('SELECT approval.item_type(''service'', %L, ''dead'')', name), 'AP005', NULL, format('no service: %L', name))
FROM unnest(ARRAY[' a', 'a ', 'a  b', '$a', 'a/b', '-a', 'a;b', E'a\tb', 'a"b']) AS name;

-- Two names that may mean one thing.
SELECT is(ARRAY[approval.may_be_one(kind, a, b), approval.may_be_one(kind, b, a)], ARRAY[one, one], format('%s %s and %s', kind, a, b))
FROM (VALUES ('package', 'hello', 'hello:amd64', true), ('package', 'hello', 'hello.x86_64', true), ('package', 'Firefox', 'firefox', true),
             ('package', 'hello:amd64', 'hello:i386', false), ('package', 'x.noarch', 'x.x86_64', false), ('package', 'hello:any', 'hello:i386', true),
             ('package', 'Hello:AMD64', 'hello:amd64', true), ('package', 'hello', 'hello2', false), ('package', 'a.b', 'a', false),
             ('service', 'cron', 'cron.service', true), ('service', 'cron.socket', 'cron', false), ('service', 'W32Time', 'w32time', true),
             ('value', 'motd', 'Motd', false), ('action', 'a', 'A', false)) AS v (kind, a, b, one);
SELECT throws_ok($$SELECT pg_temp.submit('package', '{web1,web1}', 'package', '{hello,hello:amd64}', '{1,2}')$$, 'AP005',
    'the request wants two things of what may be one: package hello and hello:amd64 on web1', 'in one request they are refused by name');
SELECT throws_ok($$SELECT pg_temp.submit('service', '{web1,web1}', 'service', '{cron,cron.service}', '{running,dead}')$$, 'AP005', NULL, 'services too');
SELECT lives_ok($$SELECT pg_temp.submit('package', '{web1,web1,web2}', 'package', '{k,k:amd64,K}', '{1,1,2}')$$, 'where they agree, or on two minions, they are not');
SELECT lives_ok($$SELECT pg_temp.submit('package', '{web1,web1}', 'package', '{l:i386,l:amd64}', '{absent,2}')$$, 'nor are two architectures');
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'm', '1') AS first, pg_temp.ask('t_dave', 'package', '{web1}', 'm:amd64', '2') AS second \gset
SELECT is(approval.unresolved_overlap(:second), format('it contradicts request %s (package m:amd64 as m on web1)', :first), 'between requests they contradict');
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'M', '1') AS agreeing \gset
SELECT is(approval.unresolved_overlap(:agreeing), format('it contradicts request %s (package M as m:amd64 on web1)', :second), 'only where they want something else');
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'n:amd64', '1') AS inforce, pg_temp.ask('t_dave', 'package', '{web1}', 'n', '2') AS later \gset
SELECT is(approval.unresolved_overlap(:later), format('it contradicts request %s (package n as n:amd64 on web1)', :inforce), 'and with what is in force under another name');
SELECT pg_temp.act('t_dave', format('SELECT approval.resolve_overlap(''pg'', ''t_dave'', %s, %s, ''supersede'')', :later, :inforce)) \g /dev/null
SELECT pg_temp.decide('t_bob', :later), pg_temp.decide('t_carol', :later) \g /dev/null
SELECT is((SELECT string_agg(name, ' ') FROM approval.document AS d, unnest(d.names) AS name WHERE minion_id = 'web1' AND name LIKE 'n%'), 'n', 'which goes out of force');
SELECT lives_ok($$SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'o', '1'), pg_temp.ask('t_alice', 'standard', '{web1}', 'o:amd64', '1')$$, 'two that agree');
SELECT lives_ok($$SELECT pg_temp.submit('standard', '{web1,web1}', 'package', '{o,o:amd64}', '{2,2}')$$, 'are changed together');

-- References.
SELECT is(pg_temp.submit('package', '{web2}', 'package', '{p}', '{1}', 'CHG-100'), pg_temp.submit('package', '{web2}', 'package', '{p}', '{1}', E' chg-100\t'), 'CHG-100 is chg-100');
SELECT throws_ok($$SELECT pg_temp.submit('package', '{web2}', 'package', '{p}', '{2}', 'Chg-100 ')$$, 'AP013', NULL, 'so it cannot be another request');
SELECT throws_ok($$SELECT pg_temp.submit('package', '{web2}', 'package', '{p}', '{2}', '  ')$$, 'AP005', NULL, 'nothing is no reference');

-- What an earlier release took and this one refuses, and what else is refused: by name, with what to write instead.
CREATE FUNCTION pg_temp.refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'taken';
EXCEPTION WHEN SQLSTATE 'AP005' THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN message || '. ' || nullif(hint, '');
END
$$;
SELECT matches(pg_temp.refused(format('SELECT pg_temp.submit(%L, ''{web1}'', %1$L, ARRAY[%L], ARRAY[%L])', kind, name, given)), said, format('%s %s', kind, left(given, 30)))
FROM (VALUES
    ('package', 'hello', 'installed', '^''installed'' is not a version of package hello\. Give the exact version'),
    ('package', 'hello', NULL, '^nothing is said of what package hello shall be\. Give a version, or latest; or absent'),
    ('package', 'a/x.deb', '1', '^''a/x\.deb'' is not a package name\. Letters, digits'),
    ('service', 'a  b', 'dead', '^''a  b'' is not a service name\. Letters, digits'),
    ('service', 'cron', 'stopped', '^service cron can be running or dead, not ''stopped''\. Give running or dead'),
    ('value', 'v w', '1', '^''v w'' is not a name for a value or an action\. Letters, digits'),
    ('value', 'v', '1e400', '^the value of v is a number that Salt cannot carry\. Whole numbers .* as text, in quotes'),
    ('value', 'v', '{"a": 1, "a": 2}', '^the value of v has a key twice\. Give the key once'),
    ('value', 'v', repeat('[', 101) || repeat(']', 101), '^the value of v is nested more than 100 deep\. Give it with fewer levels'),
    ('value', 'v', '"\u0000"', '^the value of v holds a NUL character\. Give it without that')) AS old (kind, name, given, said);
SELECT matches(pg_temp.refused(format('SELECT approval.item_content(''value'', ''v'', %L)', repeat('[', 400000))), 'nested too deep\. Give it with fewer', 'far too deep');
SELECT matches(pg_temp.refused($$SELECT approval.item_content('action', 'system.reboot', '[]')$$), '^what is given to system\.reboot are no parameters.*\. Give each by its name', 'no parameters');
SELECT matches(pg_temp.refused($$SELECT pg_temp.submit('package', '{web2}', 'package', '{p}', '{2}', ' ')$$), 'reference to another system is empty\. Leave it out', 'no reference');
SELECT * FROM finish();
ROLLBACK;
