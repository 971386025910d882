BEGIN;
\ir support/fixture.sql
SELECT plan(48);

CREATE FUNCTION pg_temp.submit(
    login text, minions text[], kinds text[], names text[], contents text[], type text DEFAULT 'package', after text DEFAULT NULL,
    reference text DEFAULT NULL, provider text DEFAULT 'pg', subject text DEFAULT NULL, source text DEFAULT NULL)
    RETURNS bigint LANGUAGE sql AS $$
SELECT pg_temp.act(login, format(
    'SELECT approval.submit_request(%L, %L, %L, ''because'', %L, %L, %L, %L, %L, %L, %L)',
    provider, coalesce(subject, login), type, minions, kinds, names, contents, after, coalesce(source, provider), reference))::bigint
$$;

SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{web9}', '{package}', '{hello}', '{1}')$$, 'AP004', 'unknown minion: ''web9''', 'unknown minion');
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{web%}', '{package}', '{hello}', '{1}')$$, 'AP004', NULL, 'a pattern is no minion');
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{NULL}', '{package}', '{hello}', '{1}')$$, 'AP004', NULL, 'NULL is no minion');
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{}', '{}', '{}', '{}')$$, 'AP015', NULL, 'no minion at all');
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', NULL, NULL, NULL, NULL)$$, 'AP015', NULL, 'no arrays at all');
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{web1,web2}', '{package}', '{hello}', '{1}')$$, 'AP005', NULL, 'arrays of unequal length');
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{web1,web1}', '{package,package}', '{hello,hello}', '{1,2}')$$, 'AP005', NULL,
    'the same thing twice');
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{web1}', '{service}', '{cron}', '{running}')$$, 'AP005', NULL, 'a kind that the type is not about');
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{web1}', '{package}', '{hello}', '{1}', 'reboot')$$, 'AP003', NULL, 'unknown type');
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{web1}', '{package}', '{hello}', '{1}', after => 'infinity')$$, 'AP016', NULL, 'a time that never comes');
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{web1}', '{package}', '{hello}', '{1}', after => 'tomorrowish')$$, '22007', NULL, 'a date that is none');
SELECT throws_ok($$SELECT pg_temp.submit('t_stranger', '{web1}', '{package}', '{hello}', '{1}')$$, '42501', NULL, 'a login without a role');
SELECT throws_ok($$SELECT pg_temp.submit('t_bob', '{web1}', '{package}', '{hello}', '{1}', subject => 't_alice')$$, 'AP002', NULL, 'as somebody else');

SELECT throws_ok(format('SELECT approval.item_type(''package'', %L, ''1'')', bad), 'AP005', NULL, format('refused as a name: %s', bad))
FROM unnest(ARRAY['hello; reboot', '$(id)', 'a''; DROP TABLE x; --', '-rf', 'a b', '', E'a\nb', '../x', '`id`', '/etc/x', 'a/', 'a/b/c', 'a/../b', 'a/-b', 'dir/x.rpm', 'x/y.DEB', 'a$b']) AS bad;
SELECT throws_ok(format('SELECT approval.item_type(''package'', ''hello'', %L)', bad), 'AP005', NULL, format('refused as a version: %s', bad))
FROM unnest(ARRAY['1 || true', '', E'1\n', '1;2']) AS bad;

SELECT pg_temp.submit('t_alice', '{web1,%}', '{package,package}', '{hello,hello}', '{1,absent}', reference => 'SC-1') AS request \gset
SELECT is(pg_temp.submit('t_alice', '{%,web1}', '{package,package}', '{hello,hello}', '{removed,1}', reference => 'SC-1'), :request::bigint,
    'the same reference and content, in any order, is the same request');
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{web1}', '{package}', '{hello}', '{2}', reference => 'SC-1')$$, 'AP013',
    format('pg SC-1 is request %s already, with another content', :request), 'the same reference with other content');
SELECT throws_ok($$SELECT pg_temp.submit('t_bob', '{web1,%}', '{package,package}', '{hello,hello}', '{1,absent}', reference => 'SC-1')$$, 'AP013',
    format('pg SC-1 is request %s already, by another requester, alice', :request), 'the same reference by another person');
SELECT isnt(pg_temp.submit('t_runner', '{web1}', '{package}', '{hello}', '{1}', reference => 'SC-1', provider => 'salt', subject => 'bob'),
    :request::bigint, 'a key is one of its source: it takes none of another');
SELECT throws_ok(format('SELECT pg_temp.submit(''t_alice'', ''{web1}'', ''{package}'', ''{hello}'', ''{1}'', reference => ''7'', source => %L)', source),
    'AP002', NULL, format('a source that one does not speak for: %s', source))
FROM unnest(ARRAY['renewal', 'revert', 'jira', 'salt', 'Pg', 'pg ', '']) AS source;
SELECT is((SELECT array_agg(type ORDER BY minion_id COLLATE "C") FROM approval.item WHERE request_id = :request), '{absent,version}',
    'absent and removed are two words for one thing');

SELECT approval.put_request_type('{"name": "closed", "kind": "package", "requesters": ["board"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.submit('t_alice', '{web1}', '{package}', '{hello}', '{1}', 'closed')$$, 'AP002', NULL, 'a type that is not open to the requester');
SELECT is(pg_temp.state_of(pg_temp.submit('t_dave', '{web1}', '{package}', '{hello}', '{1}', 'closed')), 'approved', 'a pre-approved type is in force at once');
SELECT * FROM finish();
ROLLBACK;
