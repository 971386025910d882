-- The outcome of a delivery, for those who wait for it.
BEGIN;
\ir support/fixture.sql
SELECT plan(8);
CREATE ROLE t_itsm LOGIN; GRANT approval_itsm TO t_itsm;
CREATE ROLE t_other LOGIN; GRANT approval_itsm TO t_other;
SELECT approval.put_speaker('t_itsm', 'jira-a', 'authenticated'), approval.put_speaker('t_other', 'jira-b', 'authenticated'),
    approval.put_identity('jira-a', 'alice', 'alice') \g /dev/null

CREATE FUNCTION pg_temp.outcome(key text, login text DEFAULT 't_itsm', site text DEFAULT 'jira-a') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT to_json(o) FROM approval.delivery_outcome(%L, %L) AS o', site, key))
$$;
CREATE FUNCTION pg_temp.receive(key text, ticket text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format('SELECT approval.receive_delivery(''jira-a'', %L, %L, ''{}'')', key, ticket))
$$;
CREATE FUNCTION pg_temp.settle(key text, note text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format('SELECT approval.settle_delivery(''jira-a'', %L, ''done'', NULL, %L)', key, note))
$$;

SELECT is(ARRAY[pg_temp.receive('k1', 'SC-1'), pg_temp.receive('k2', '7')], '{new,new}', 'one by the key of the ticket, one by its id');
SELECT is(pg_temp.outcome('k1'), '{"state":"waiting","note":null,"request_id":null,"request_state":null}', 'it waits');
SELECT is(pg_temp.outcome('k9'), NULL, 'one that never came has none');
SELECT pg_temp.settle('k1', 'refused: nobody knows who asks') \g /dev/null
SELECT is(pg_temp.outcome('k1')::jsonb - 'state', '{"note": "refused: nobody knows who asks", "request_id": null, "request_state": null}',
    'it was refused');
SELECT pg_temp.act('t_itsm', 'SELECT outcome FROM approval.ask_by_ticket(''jira-a'', ''alice'', NULL, '
    '''{"id": "7", "key": "SC-1", "url": null, "digest": "d"}'', ''package'', ''why'', ''{web1}'', ''{package}'', ''{hello}'', ''{1}'', NULL, ''{}'')')
    \g /dev/null
SELECT is((SELECT array_agg(pg_temp.outcome(key)::jsonb ->> 'request_state') FROM unnest('{k1,k2}'::text[]) AS key), '{pending,pending}',
    'the newest request of the ticket is named, by whichever of both it came');
SELECT is((pg_temp.outcome('k2')::jsonb ->> 'request_id')::bigint, (SELECT max(request_id) FROM approval.request), 'by its number');
SELECT throws_ok($$SELECT pg_temp.outcome('k1', 't_other')$$, 'AP002', NULL, 'it is for those who speak for the site');
SELECT throws_ok($$SELECT pg_temp.outcome('k1', 't_alice')$$, '42501', NULL, 'and by the login of the tickets'' part alone');
SELECT * FROM finish();
ROLLBACK;
