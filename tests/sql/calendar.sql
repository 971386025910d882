-- When what is approved may be applied: for the page with windows, freezes and what waits for them.
BEGIN;
\ir support/fixture.sql
SELECT plan(13);

CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
SELECT approval.put_speaker('t_portal', 'web', 'authenticated'), approval.put_identity('web', 'alice', 'alice') \g /dev/null
SELECT pg_temp.act('t_portal', 'SELECT approval.begin_session(''web'', ''alice'', sha256(''a''), ''c'', NULL, ''infinity'', ''{}'')') \g /dev/null
CREATE FUNCTION pg_temp.calendar(what text, token text DEFAULT 'a') RETURNS jsonb LANGUAGE sql AS $$
SELECT pg_temp.act('t_portal', format('SELECT approval.show_calendar_by_session(sha256(%L), now(), now() + interval ''3 days'', 10) -> %L', token, what))::jsonb
$$;
CREATE FUNCTION pg_temp.opening(number bigint, token text DEFAULT 'a') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_portal', format('SELECT concat_ws('' '', round(extract(epoch FROM opens_at - now()) / 3600), text) FROM approval.next_opening_by_session(sha256(%L), %s)', token, number))
$$;
SELECT throws_ok($$SELECT pg_temp.calendar('events', 'b')$$, 'AP021', NULL, 'no calendar without a session');
SELECT throws_ok($$SELECT pg_temp.opening(1, 'b')$$, 'AP021', NULL, 'nor the next opening');

SELECT approval.put_calendar('nightly', 'FREQ=DAILY', 'UTC', '2 hours', '2026-01-01 02:00', ARRAY(SELECT now() + make_interval(hours => h) FROM unnest(ARRAY[-30, 10, 90]) AS h)) \g /dev/null
SELECT approval.put_request_type('{"name": "windowed", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": [], "calendar": "nightly"}') \g /dev/null
SELECT approval.put_request_type('{"name": "asked", "kind": "package", "requesters": ["*"], "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}], "calendar": "nightly"}') \g /dev/null
SELECT approval.put_minion_group('edge', '', '{web2}') \g /dev/null
SELECT approval.put_freeze('edge', now() - interval '1 hour', now() + interval '3 hours', 'standard', 'edge', 'why') \g /dev/null
SELECT is((SELECT string_agg(concat_ws(' ', e ->> 'kind', e ->> 'name', e ->> 'types', e ->> 'minion_group', e ->> 'reason'), ', ') FROM jsonb_array_elements(pg_temp.calendar('events')) AS e),
    'freeze edge ["standard"] edge why, window nightly ["asked", "windowed"] ', 'what is on, in order, and nothing that is over or far ahead');
SELECT is((SELECT array_agg(c ->> 'calendar') FROM jsonb_array_elements(pg_temp.calendar('calendars')) AS c), '{nightly}', 'all calendars');

SELECT pg_temp.ask('t_alice', 'windowed', '{web1,web2}', 'hello', '1') AS windowed \gset
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'other', '1') AS frozen \gset
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'later', '1', now() + interval '30 hours') AS later \gset
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'free', '1') AS free \gset
SELECT pg_temp.ask('t_alice', 'asked', '{web1}', 'pending', '1') AS pending \gset
SELECT is((SELECT array_agg(concat_ws(' ', h ->> 'request', h ->> 'by', round(extract(epoch FROM (h ->> 'until')::timestamptz - now()) / 3600)) ORDER BY n)
           FROM jsonb_array_elements(pg_temp.calendar('held')) WITH ORDINALITY AS held (h, n)),
    ARRAY[:'frozen' || ' freeze edge 3', :'windowed' || ' calendar nightly 10', :'later' || ' after 30'], 'what waits for an opening, the next first; nothing that is free, or not approved');
SELECT is(pg_temp.opening(:windowed), '10 2 minions: held until ' || approval.when_text(now() + interval '10 hours') || ' by calendar nightly', 'the next opening of a request');
SELECT matches(pg_temp.opening(:free), '^1 minion: ', 'of one that nothing holds back: what it waits for');
SELECT is(pg_temp.opening(:pending), '10 it is not approved yet, and then waits for calendar nightly', 'of one that is not approved: of its calendar');
SELECT pg_temp.ask('t_alice', 'asked', '{web1}', 'far', '1', now() + interval '20 days') AS far \gset
SELECT is(pg_temp.opening(:far), 'it is not approved yet, and then waits for calendar nightly, of which no opening is known that late', 'none is known that late');
SELECT pg_temp.act('t_alice', format('SELECT approval.cancel_request(''pg'', ''t_alice'', %s, ''x'')', :pending)) \g /dev/null
SELECT is(pg_temp.opening(:pending), 'it is cancelled, and waits for nothing any more', 'one that is over waits for none');
SELECT approval.put_calendar('nightly', 'FREQ=DAILY', 'UTC', '2 hours', '2026-01-01 02:00', '{}') \g /dev/null
SELECT is((SELECT array_agg(h ->> 'until') FROM jsonb_array_elements(pg_temp.calendar('held')) AS h WHERE h ->> 'request' = :'windowed'), '{infinity}', 'without openings no end is known');
SELECT matches(pg_temp.opening(:windowed), '^2 minions: held by calendar nightly, no end is known$', 'and none is named');
SELECT throws_ok($$SELECT pg_temp.opening(999999)$$, 'AP014', NULL, 'no such request');
SELECT * FROM finish();
ROLLBACK;
