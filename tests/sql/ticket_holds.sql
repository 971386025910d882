-- A ticket that was changed or is gone holds what it asked for; one that knows the end asks anew, or has it taken back.
BEGIN;
\ir support/fixture.sql
SELECT plan(82);
CREATE ROLE t_itsm LOGIN; GRANT approval_itsm TO t_itsm;
SELECT approval.put_speaker('t_itsm', 'jira-a', 'authenticated') \g /dev/null
SELECT approval.put_identity('jira-a', name, name) FROM unnest(ARRAY['alice', 'bob', 'carol']) AS name \g /dev/null
GRANT approval_break_glass TO t_bob;
SELECT approval.put_request_type('{"name": "restart", "kind": "action", "action": {"function": "cache.flush"},
    "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT approval.put_request_type('{"name": "revert", "kind": "any", "requesters": ["*"], "chain": [
    {"name": "owner", "any_of": [{"group": "owners", "quorum": 1}]}]}') \g /dev/null

CREATE FUNCTION pg_temp.ticket(id text, digest text, seen timestamptz DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
SELECT jsonb_build_object('id', id, 'key', 'SC-' || id, 'url', 'https://a.example/browse/SC-' || id, 'digest', digest, 'seen_at', seen)
$$;
CREATE FUNCTION pg_temp.wants(id text, digest text DEFAULT 'd1', version text DEFAULT '1', type text DEFAULT 'standard', minions text[] DEFAULT '{web1}',
    seen timestamptz DEFAULT NULL, package text DEFAULT 'hello') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format(
    'SELECT concat_ws('' '', generation, outcome) FROM approval.ask_by_ticket(''jira-a'', ''alice'', NULL, %L, %L, ''because'', %L, %L, %L, %L, NULL, ''{}'')',
    pg_temp.ticket(id, digest, seen), type, minions, array_fill(CASE type WHEN 'restart' THEN 'action' ELSE 'package' END, ARRAY[cardinality(minions)]),
    array_fill(CASE type WHEN 'restart' THEN 'cache.flush' ELSE package END, ARRAY[cardinality(minions)]),
    array_fill(CASE type WHEN 'restart' THEN '{}' ELSE version END, ARRAY[cardinality(minions)])))
$$;
CREATE FUNCTION pg_temp.of_ticket(id text) RETURNS bigint LANGUAGE sql AS $$
SELECT (approval.newest_of_ticket('jira-a', id)).request_id
$$;
CREATE FUNCTION pg_temp.version_on(minion text, package text DEFAULT 'hello') RETURNS text LANGUAGE sql AS $$
SELECT e.content FROM approval.document_in_force(clock_timestamp()) AS d, unnest(d.names, d.contents) AS e (name, content)
WHERE d.minion_id = minion AND e.name = package
$$;
CREATE FUNCTION pg_temp.hold(id text, gone boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format('SELECT approval.hold_ticket(''jira-a'', %L, ''it says something else'', %L)', id, gone))
$$;
CREATE FUNCTION pg_temp.release(id text, digest text DEFAULT 'd1') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format('SELECT approval.release_ticket(''jira-a'', %L, %L)', id, digest))
$$;
CREATE FUNCTION pg_temp.steps(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT string_agg(minion_id, '','') FROM approval.take_dispatches(%s, ''{web1,web2}'', 10)', number))
$$;
CREATE FUNCTION pg_temp.begun(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT count(b) = 1 FROM approval.item AS i, approval.begin_dispatches(i.request_id, ARRAY[i.minion_id], ARRAY[i.item_id], ''perform'', ''j1'') AS b '
    'WHERE i.request_id = %s', number))
$$;
GRANT SELECT ON approval.item TO t_engine;
CREATE FUNCTION pg_temp.tell_all(number bigint) RETURNS void LANGUAGE sql AS $$
UPDATE approval.outbox SET state = 'delivered', delivered_at = clock_timestamp() WHERE destination = 'jira-a' AND request_id = number
$$;

-- Requests that were approved and whose tickets then changed.
SELECT is(ARRAY[pg_temp.wants('1'), pg_temp.version_on('web1')], '{"1 new",1}', 'a ticket asks for what needs no approval');
SELECT is(pg_temp.wants('1', 'd2', '2'), '1 held', 'and is changed: that holds it');
SELECT is(pg_temp.version_on('web1'), NULL, 'nothing of the old holds, and nothing of the new');
SELECT is(pg_temp.wants('1', 'd2', '2'), '1 held', 'however often it is read');
SELECT is((SELECT array_agg(act || ' ' || (detail::jsonb ->> 'cause')) FROM approval.audit_entry WHERE stream = pg_temp.of_ticket('1') AND act LIKE 'ticket%'),
    '{"ticket-held edited"}', 'which is recorded once');
SELECT is((SELECT array_agg(kind || ': ' || what) FROM approval.alarm_signal WHERE request_id = pg_temp.of_ticket('1')),
    '{"ticket-held: ticket SC-1 of jira-a: its ticket was changed after it was approved"}', 'and an alarm');
SELECT matches(approval.waiting_for(pg_temp.of_ticket('1')), '^held by ticket SC-1', 'people see why');
SELECT is((SELECT r.item_set_version FROM approval.request AS r WHERE r.request_id = pg_temp.of_ticket('1')), 1, 'the new text is nothing that was asked for');
SELECT lives_ok($$SELECT pg_temp.act('t_bob', format('SELECT approval.break_glass(''pg'', ''t_bob'', %s, ''now'')', pg_temp.of_ticket('1')))$$, 'somebody breaks the glass');
SELECT is(pg_temp.version_on('web1'), NULL, 'which does not get past it');
SELECT is(pg_temp.release('1', 'd2'), '{}', 'nor does the new text');
SELECT is(pg_temp.release('1'), '{' || pg_temp.of_ticket('1') || '}', 'the old one does, once it is back');
SELECT is(pg_temp.version_on('web1'), '1', 'it holds again');
SELECT is(pg_temp.release('1'), '{}', 'there is nothing more to release');
SELECT pg_temp.report('web1', (SELECT revision FROM approval.minion WHERE minion_id = 'web1'), '{hello}', '{converged}', '{1}', 'r1') \g /dev/null
SELECT is((SELECT state FROM approval.request WHERE request_id = pg_temp.of_ticket('1')), 'converged', 'it is applied');
SELECT is(ARRAY[pg_temp.hold('1'), pg_temp.version_on('web1')], '{"{}",1}', 'what has ended is not held');
SELECT pg_temp.wants('10', package => 'tenth') \g /dev/null
SELECT pg_temp.hold('10') \g /dev/null
SELECT is(pg_temp.act('t_alice', format('SELECT approval.cancel_request(''pg'', ''t_alice'', %s, '''')', pg_temp.of_ticket('10'))), 'withdrawn',
    'what its ticket holds is cancelled by who asked: then the ticket can ask for something else');
SELECT pg_temp.tell_all(pg_temp.of_ticket('10')) \g /dev/null
SELECT is(pg_temp.wants('10', 'd2', '2', package => 'tenth'), '2 new', 'which it does once it was told');

-- Sending.
SELECT is(pg_temp.wants('2', type => 'restart'), '1 new', 'an action');
SELECT is(pg_temp.steps(pg_temp.of_ticket('2')), 'web1', 'is to be sent');
SELECT is(pg_temp.hold('2', true), '{' || pg_temp.of_ticket('2') || '}', 'then its ticket is gone');
SELECT is(ARRAY[pg_temp.steps(pg_temp.of_ticket('2')), pg_temp.begun(pg_temp.of_ticket('2'))], '{NULL,false}', 'it is not sent, not by force either');
SELECT is((SELECT kind FROM approval.alarm_signal WHERE request_id = pg_temp.of_ticket('2')), 'ticket-gone', 'with an alarm of its own');
SELECT is(pg_temp.hold('2'), '{' || pg_temp.of_ticket('2') || '}', 'it comes back, with another text: that is news');
SELECT is(pg_temp.release('2'), '{' || pg_temp.of_ticket('2') || '}', 'and with the old one');
SELECT is(pg_temp.begun(pg_temp.of_ticket('2')), 'true', 'it is sent');
SELECT throws_ok($$SELECT pg_temp.hold('2'), pg_temp.act('t_alice', format('SELECT approval.cancel_request(''pg'', ''t_alice'', %s, '''')', pg_temp.of_ticket('2')))$$,
    'AP006', NULL, 'then a hold makes nothing of it undone');
SELECT pg_temp.act('t_engine', format('SELECT approval.note_sent(request_id, ARRAY[minion_id], ARRAY[item_id], ''j1'', true) FROM approval.item WHERE request_id = %s', pg_temp.of_ticket('2'))) \g /dev/null
SELECT is((SELECT string_agg(body ->> 'event', ',' ORDER BY seq) FROM approval.outbox WHERE destination = 'jira-a' AND request_id = pg_temp.of_ticket('2')),
    'asked,held,held,released,sent', 'its ticket is told of all of it');
SELECT is(pg_temp.wants('3', type => 'package'), '1 new', 'what is not approved yet');
SELECT pg_temp.hold('3') \g /dev/null
SELECT pg_temp.decide('t_bob', pg_temp.of_ticket('3')), pg_temp.decide('t_carol', pg_temp.of_ticket('3')) \g /dev/null
SELECT is((SELECT ARRAY[state, pg_temp.version_on('web1')] FROM approval.request WHERE request_id = pg_temp.of_ticket('3')), '{approved,1}', 'may be approved');
SELECT is(pg_temp.wants('4', package => 'other', version => '1'), '1 new', 'an older change');
SELECT throws_ok($$SELECT pg_temp.act('t_itsm', 'SELECT approval.hold_ticket(''jira-a'', ''4'', '''')')$$, 'AP005', NULL, 'a hold has a reason');
SELECT pg_temp.wants('5', package => 'other', version => '2') \g /dev/null
SELECT is(pg_temp.version_on('web1', 'other'), '2', 'a newer one overtakes it');
SELECT pg_temp.wants('6', package => 'third', version => '1') \g /dev/null
SELECT pg_temp.wants('7', package => 'third', version => '2', type => 'package') \g /dev/null
SELECT pg_temp.hold('7') \g /dev/null
SELECT pg_temp.decide('t_bob', pg_temp.of_ticket('7')), pg_temp.decide('t_carol', pg_temp.of_ticket('7')) \g /dev/null
SELECT is(pg_temp.version_on('web1', 'third'), '1', 'but none that is held');

-- Asking anew.
SELECT is(pg_temp.wants('1'), '1 same', 'what has ended is not asked for again by reading it again');
SELECT is(pg_temp.wants('1', 'd2'), '1 same', 'nor changed');
SELECT pg_temp.tell_all(pg_temp.of_ticket('1')) \g /dev/null
SELECT is(pg_temp.wants('1', seen => now()), '1 same', 'nor by a ticket that was read before it was told so');
SELECT is(pg_temp.wants('1', 'd3', '3', seen => clock_timestamp()), '2 new', 'one that knows asks anew');
SELECT is((SELECT external_ref FROM approval.request WHERE request_id = pg_temp.of_ticket('1')), '1#2', 'by another reference');
SELECT is(ARRAY[pg_temp.wants('1', 'd3', '3'), pg_temp.version_on('web1')], '{"2 same",3}', 'once');
SELECT is(pg_temp.act('t_itsm', 'SELECT approval.request_of_ref(''jira-a'', ''1#2'')')::bigint, pg_temp.of_ticket('1'), 'by which it is found');
SELECT is(pg_temp.act('t_itsm', 'SELECT concat_ws('' '', ticket_id, generation, state) FROM approval.ticket_of(''jira-a'', ''SC-1'')'), '1 2 approved', 'as by its key');
SELECT is(pg_temp.act('t_itsm', 'SELECT count(*) FROM approval.ticket_of(''jira-a'', ''SC-99'')'), '0', 'or not');
SELECT is(pg_temp.act('t_itsm', 'SELECT string_agg(concat_ws('' '', key, generation, state, held), '','' ORDER BY key) FROM approval.tickets(''jira-a'', ''{approved}'')
    WHERE ticket_id IN (''1'', ''3'')'), 'SC-1 2 approved,SC-3 1 approved it says something else', 'the tickets whose requests are open');

-- Taking back.
CREATE FUNCTION pg_temp.back(id text, digest text DEFAULT 'd3') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format(
    'SELECT concat_ws('' '', generation, outcome) FROM approval.revert_by_ticket(''jira-a'', ''alice'', %L, ''it broke'', ''{carol}'')', pg_temp.ticket(id, digest)))
$$;
SELECT is(pg_temp.back('1'), '2 new', 'a ticket takes back what it asked for last');
SELECT is((SELECT concat_ws(' ', r.external_ref, r.reverts = pg_temp.of_ticket('1'), i.content) FROM approval.request AS r JOIN approval.current_item AS i USING (request_id)
    WHERE r.source = 'jira-a' AND r.reverts IS NOT NULL), '1#2/revert t 1', 'to what was there before');
SELECT is(pg_temp.back('1'), '2 same', 'once');
SELECT max(request_id) AS revert FROM approval.request \gset
SELECT throws_ok(format('SELECT pg_temp.decide(''t_carol'', %s)', :revert), 'AP007', NULL, 'its editors do not decide either');
SELECT is(pg_temp.decide('t_bob', :revert), 'approved', 'others do');
SELECT is(ARRAY[pg_temp.back('1', 'd4'), pg_temp.version_on('web1')], '{"2 held",3}', 'it is held as well');
SELECT throws_ok($$SELECT pg_temp.back('99')$$, 'AP014', NULL, 'what did not ask takes nothing back');
SELECT throws_ok($$SELECT pg_temp.act('t_itsm', 'SELECT approval.revert_by_ticket(''sn-c'', ''alice'', ''{}'', '''', ''{}'')')$$, 'AP002', NULL, 'nor another site''s');

-- Messages to tickets, and the rest.
SELECT is(pg_temp.act('t_itsm', format('SELECT approval.ticket_news(''jira-a'', %s)', pg_temp.of_ticket('3')))::jsonb
    #- '{expires_at}' #- '{approved_at}' #- '{chain}' #- '{ticket,url}', jsonb_build_object(
    'request', pg_temp.of_ticket('3'), 'type', 'package', 'title', 'package', 'state', 'approved', 'reason', 'because', 'requester', 'alice', 'on_behalf_of', NULL,
    'reverts', NULL, 'after', NULL, 'closed_at', NULL, 'minions', '["web1"]'::jsonb, 'minion_count', 1, 'items',
    '[{"kind": "package", "name": "hello", "type": "version", "value": "1"}]'::jsonb, 'item_count', 1,
    'waits', '[{"by": "ticket SC-3", "until": null, "minions": 1}]'::jsonb, 'rollout', NULL, 'verdicts', '{"converged": 0, "failed": 0, "waiting": 1}'::jsonb,
    'failed', '[]'::jsonb, 'failed_count', 0, 'ticket',
    '{"id": "3", "key": "SC-3", "generation": 1, "digest": "d1", "bound_at": null, "held": "it says something else", "is_newest": true}'::jsonb),
    'all that there is to tell');
SELECT is(pg_temp.act('t_itsm', format('SELECT approval.ticket_news(''jira-a'', %s) #> ''{chain,0}''', pg_temp.of_ticket('7')))::jsonb #- '{satisfied_at}' #- '{decisions,0,at}',
    '{"name": "owner", "stage": 1, "any_of": [{"group": "owners", "quorum": 1, "people": ["bob", "carol"]}], "decisions": [
      {"by": "bob", "comment": "seen", "decision": "approve", "identity": "pg:t_bob", "assurance": "authenticated"}]}'::jsonb, 'who decided, and who could');
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'plain', '1') AS plain \gset
SELECT is(pg_temp.act('t_itsm', format('SELECT approval.ticket_news(''jira-a'', %s)', :plain)), NULL, 'nothing of what no ticket asked for');
SELECT is((SELECT count(*) FROM approval.outbox WHERE request_id = :plain AND topic = 'ticket'), 0::bigint, 'nor is any told of it');
SELECT is(ARRAY[pg_temp.act('t_itsm', 'SELECT approval.poll_mark(''jira-a'')'),
    pg_temp.act('t_itsm', 'SELECT approval.set_poll_mark(''jira-a'', ''2026-01-02Z'')'), pg_temp.act('t_itsm', 'SELECT approval.set_poll_mark(''jira-a'', ''2026-01-01Z'')'),
    pg_temp.act('t_itsm', 'SELECT approval.poll_mark(''jira-a'') = ''2026-01-02Z''')], '{NULL,"","",true}', 'how far it was looked goes on, never back');
SELECT throws_ok($$SELECT pg_temp.act('t_itsm', 'SELECT approval.set_poll_mark(''jira-a'', ''infinity'')')$$, 'AP005', NULL, 'to a time');
CREATE FUNCTION pg_temp.expires(at interval) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format('SELECT approval.note_token_expiry(''jira-a'', now() + interval %L)', at))
$$;
SELECT is(ARRAY[pg_temp.expires('15 days'), pg_temp.expires('13 days')], '{false,true}', 'what expires soon is an alarm');
SELECT approval.settle_alarms() \g /dev/null
SELECT is(ARRAY[pg_temp.expires('13 days'), pg_temp.expires('-1 day')], '{false,true}', 'once');
SELECT matches((SELECT what FROM approval.alarm WHERE kind = 'token-expiry'),
    '^the token for jira-a expires .* UTC: without it no ticket is read there, and none told$', 'which says what follows');
SELECT throws_ok($$SELECT pg_temp.act('t_itsm', 'SELECT approval.note_token_expiry(''jira-a'', NULL)')$$, 'AP005', NULL, 'it has a time');
SELECT is(pg_temp.act('t_itsm', 'SELECT approval.receive_delivery(''jira-a'', key, ''1'', ''{}'') FROM unnest(ARRAY[''old'', ''new'', ''open'']) AS key'), 'new', 'deliveries');
SELECT pg_temp.act('t_itsm', 'SELECT approval.receive_delivery(''jira-a'', ''look'', ''1'', ''{"way": "poll"}'')') \g /dev/null
UPDATE approval.ticket_delivery SET state = 'done', content = NULL, settled_at = now(), forget_at = forget_at
    - CASE key WHEN 'old' THEN interval '36 days' WHEN 'look' THEN '49 hours' ELSE '34 days' END
WHERE key <> 'open';
SELECT approval.maintain_jobs(24) \g /dev/null
SELECT is((SELECT array_agg(key ORDER BY key) FROM approval.ticket_delivery WHERE provider = 'jira-a'), '{new,open}', 'are known for 35 days, those of a poll for two');
SELECT is((SELECT array_agg(pg_temp.act('t_itsm', format('SELECT approval.settle_delivery(''jira-a'', ''open'', ''failed'', NULL, ''why not'')')))::text[]
    FROM generate_series(1, 12)), array_fill('waiting'::text, ARRAY[11]) || 'dead'::text, 'one fails');
SELECT is(pg_temp.act('t_itsm', 'SELECT string_agg(concat_ws('' '', key, state, attempts, note), '','') FROM approval.list_deliveries(''jira-a'', NULL, 10)'),
    'open dead 12 why not', 'and is shown');
SELECT is(ARRAY[pg_temp.act('t_itsm', 'SELECT approval.retry_delivery(''jira-a'', ''new'')'), pg_temp.act('t_itsm', 'SELECT approval.retry_delivery(''jira-a'', NULL)'),
    pg_temp.act('t_itsm', 'SELECT key FROM approval.claim_deliveries(''jira-a'', 1, ''1 minute'')')], '{0,1,open}', 'until somebody has it tried again');
SELECT throws_ok($$SELECT pg_temp.act('t_itsm', 'SELECT approval.list_deliveries(''jira-a'', ''lost'', 1)')$$, 'AP005', NULL, 'of states that there are');
SELECT is(approval.show_request(pg_temp.of_ticket('3')) -> 'ticket' #- '{held_at}',
    '{"site": "jira-a", "id": "3", "key": "SC-3", "url": "https://a.example/browse/SC-3", "generation": 1, "held": "it says something else"}',
    'a request shows its ticket');
SELECT is(approval.show_request(:plain) ->> 'ticket', NULL, 'if it has one');
SELECT is((SELECT bool_and(is_routed) FROM approval.list_outbox(NULL, 100) WHERE topic = 'ticket'), true, 'its messages lead somewhere');

-- The sites whose tickets decide at a stage.
SELECT approval.put_request_type(('{"name": "picky", "kind": "package", "requesters": ["*"], "chain": [{"name": "owner", "accept": ["sn-x"],
    "any_of": [{"group": "owners", "quorum": 1}]}]}')::jsonb) \g /dev/null
SELECT is(pg_temp.wants('8', package => 'picked', type => 'picky'), '1 new', 'a stage that takes no decision of this site');
SELECT pg_temp.act('t_itsm', 'SELECT approval.bind_ticket(''jira-a'', ''8'', 1, now())') \g /dev/null
CREATE FUNCTION pg_temp.vote(id text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format('SELECT approval.decide_by_ticket(''jira-a'', ''bob'', %s, ''approve'', '''', ''d1'', %L, ''authenticated'')', pg_temp.of_ticket(id),
    jsonb_build_object('key', 'h1', 'at', now() + interval '1 second')))
$$;
SELECT throws_ok($$SELECT pg_temp.vote('8')$$, 'AP009', NULL, 'takes none');
SELECT is((SELECT problem FROM approval.check_policy() WHERE subject = 'type picky, stage 1 (owner)' AND severity = 'warning' AND problem ~ 'speaks'),
    'no login speaks for sn-x, so no ticket there can decide', 'nor one of a site that there is not');
SELECT is((SELECT approval.show_request(pg_temp.of_ticket('8')) #> '{chain,0,accept}'), '["sn-x"]', 'as the request shows');
SELECT is(pg_temp.decide('t_bob', pg_temp.of_ticket('8')), 'approved', 'people decide with their logins');
SELECT approval.put_request_type(('{"name": "picky", "kind": "package", "requesters": ["*"], "chain": [{"name": "owner", "accept": ["jira-a"],
    "any_of": [{"group": "owners", "quorum": 1}]}]}')::jsonb) \g /dev/null
SELECT pg_temp.wants('9', package => 'picked', version => '2', type => 'picky') \g /dev/null
SELECT pg_temp.act('t_itsm', 'SELECT approval.bind_ticket(''jira-a'', ''9'', 1, now())') \g /dev/null
SELECT is(pg_temp.vote('9'), 'approved', 'a stage that names the site takes them');
SELECT throws_ok(format('SELECT approval.put_request_type(%L)', jsonb_build_object('name', 'bad', 'kind', 'package', 'requesters', '["*"]'::jsonb, 'chain',
    jsonb_build_array(jsonb_build_object('name', 'o', 'accept', accept::jsonb, 'any_of', '[{"group": "owners"}]'::jsonb)))), 'AP017', NULL, accept)
FROM unnest(ARRAY['"jira-a"', '[1]', '["Jira A"]', 'null']) AS accept;
SELECT is_empty($$SELECT p.proname FROM pg_proc AS p JOIN pg_roles AS r ON r.rolname = 'approval_itsm'
    WHERE p.pronamespace = 'approval'::regnamespace AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
        AND NOT p.prosrc ~ 'PERFORM approval.check_(site|receiver)\(p_(site|source|destination)\)'
        -- Of the inventory, which all sites offer alike.
        AND p.proname NOT IN ('list_offered_minions', 'list_offers')$$, 'each function asks whether the site is the login''s');
SELECT * FROM finish();
ROLLBACK;
