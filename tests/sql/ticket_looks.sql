-- The open requests of one ticket, and the tickets to be looked at again though nothing came in about them.
BEGIN;
\ir support/fixture.sql
SELECT plan(16);
CREATE ROLE t_itsm LOGIN; GRANT approval_itsm TO t_itsm;
SELECT approval.put_speaker('t_itsm', 'jira-a', 'authenticated'), approval.put_speaker('t_itsm', 'jira-b', 'authenticated') \g /dev/null
SELECT approval.put_identity(site, 'alice', 'alice') FROM unnest(ARRAY['jira-a', 'jira-b']) AS site \g /dev/null
SELECT approval.put_request_type('{"name": "revert", "kind": "any", "requesters": ["*"], "chain": [
    {"name": "owner", "any_of": [{"group": "owners", "quorum": 1}]}]}') \g /dev/null

CREATE FUNCTION pg_temp.asks(id text, package text, type text DEFAULT 'package', after interval DEFAULT NULL, site text DEFAULT 'jira-a')
    RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format(
    'SELECT outcome FROM approval.ask_by_ticket(%L, ''alice'', NULL, %L, %L, '''', ''{web1}'', ''{package}'', ARRAY[%L], ''{1}'', %L, ''{}'')',
    site, jsonb_build_object('id', id, 'key', 'SC-' || id, 'digest', 'd' || id), type, package, now() + after))
$$;
CREATE FUNCTION pg_temp.open_of(id text, site text DEFAULT 'jira-a') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format(
    'SELECT string_agg(concat_ws('' '', generation, is_revert, state, digest), ''; '') FROM approval.requests_of_ticket(%L, %L)', site, id))
$$;
CREATE FUNCTION pg_temp.looks(behind text, most integer, within interval DEFAULT '10 minutes', site text DEFAULT 'jira-a') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format(
    'SELECT string_agg(ticket_id || CASE WHEN is_in_turn THEN '''' ELSE '' soon'' END, '','') FROM approval.due_looks(%L, %L, %s, %L)', site, behind,
    most, within))
$$;

-- The request of ticket 3 is there already, so that it can be taken back.
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'c', '0') \g /dev/null

SELECT is(pg_temp.open_of('1'), NULL, 'a ticket that never asked has no requests');
SELECT is(pg_temp.looks('', 10), NULL, 'and nothing is to be looked at');
SELECT is(ARRAY[pg_temp.asks('1', 'a'), pg_temp.asks('2', 'b', 'standard'), pg_temp.asks('3', 'c', 'standard', '5 minutes'),
    pg_temp.asks('4', 'd', 'standard', '1 hour'), pg_temp.asks('1', 'e', 'package', NULL, 'jira-b')], '{new,new,new,new,new}', 'tickets ask');
SELECT is(pg_temp.open_of('1'), '1 f pending d1', 'one that waits for a decision');
SELECT is(pg_temp.open_of('2'), '1 f approved d2', 'one that was approved');
SELECT is(pg_temp.open_of('1', 'jira-b'), '1 f pending d1', 'a ticket of the same id elsewhere is another one');
SELECT is(pg_temp.act('t_itsm', $$SELECT outcome FROM approval.revert_by_ticket('jira-a', 'alice', '{"id": "3", "key": "SC-3", "digest": "d3"}', '', '{}')$$),
    'new', 'what has not taken effect is taken back');
SELECT is(pg_temp.open_of('3'), '1 f approved d3; 1 t pending d3', 'which is a request of its own');
SELECT is(pg_temp.looks('', 10), '1,2,3,4', 'all with open requests are looked at, each once');
SELECT is(ARRAY[pg_temp.looks('', 2, '0'), pg_temp.looks('2', 2, '0'), pg_temp.looks('4', 2, '0')], '{"1,2","3,4",NULL}', 'so many at a time, in turn');
SELECT is(pg_temp.looks('', 1), '1,3 soon', 'and those of which something takes effect soon');
SELECT is(pg_temp.looks('', 10, '10 minutes', 'jira-b'), '1', 'those of one site');
SELECT pg_temp.act('t_alice', format('SELECT approval.cancel_request(''pg'', ''t_alice'', %s, '''')', (approval.newest_of_ticket('jira-a', '1')).request_id))
    \g /dev/null
SELECT is(ARRAY[pg_temp.open_of('1'), pg_temp.looks('', 10)], '{NULL,"2,3,4"}', 'what is closed is of no interest');
SELECT throws_ok($$SELECT pg_temp.open_of('1', 'sn-c')$$, 'AP002', NULL, 'no login asks for the requests of other sites');
RESET SESSION AUTHORIZATION;
SELECT throws_ok($$SELECT pg_temp.looks('', 1, '0', 'sn-c')$$, 'AP002', NULL, 'nor for their tickets');
RESET SESSION AUTHORIZATION;
SELECT throws_ok($$SELECT pg_temp.act('t_engine', 'SELECT * FROM approval.due_looks(''jira-a'', '''', 1, ''0'')')$$, '42501', NULL, 'nor does the engine');
RESET SESSION AUTHORIZATION;
SELECT * FROM finish();
ROLLBACK;
