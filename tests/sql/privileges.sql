-- Nobody but by functions changes anything, and each role calls only what is its own.
BEGIN;
\ir support/fixture.sql
SELECT plan(21);

CREATE FUNCTION pg_temp.granted(login text) RETURNS text[] LANGUAGE sql AS $$
SELECT coalesce(array_agg(DISTINCT p.proname::text ORDER BY p.proname::text), '{}')
FROM pg_proc AS p WHERE p.pronamespace = 'approval'::regnamespace AND has_function_privilege(login, p.oid, 'EXECUTE')
$$;
CREATE TEMP TABLE reading (name text);
INSERT INTO reading VALUES ('list_requests'), ('show_request'), ('show_state'), ('list_types'), ('list_minions'), ('audit_trail'),
    ('verify_audit'), ('check_policy'), ('check_work'), ('check_alarms'), ('why'), ('what_if'), ('replay_type'), ('export_audit'), ('audit_head'), ('list_freezes'),
    ('list_calendars'), ('show_type'), ('list_delegations'), ('show_plan'), ('list_outbox'), ('list_reinstalls'), ('list_catch_ups'), ('compliance'), ('out_of_line');
CREATE TEMP TABLE asking (name text);
INSERT INTO asking VALUES ('submit_request'), ('note_look'), ('show_values'), ('amend_request'), ('resolve_overlap'), ('revert_request'), ('decide'), ('cancel_request'),
    ('review_request'), ('delegate'), ('end_delegation'), ('whoami'), ('retry_outbox'), ('drop_outbox'),
    ('resume_rollout'), ('pause_all'), ('resume_all');
INSERT INTO reading VALUES ('show_rollout'), ('sending_paused');
INSERT INTO reading VALUES ('search_packages'), ('catalog_progress'), ('show_minion');
INSERT INTO asking VALUES ('want_catalogs');
INSERT INTO reading VALUES ('list_alarms'), ('show_readings');
INSERT INTO asking VALUES ('acknowledge_alarm'), ('mute_alarm');
INSERT INTO asking VALUES ('put_contact'), ('drop_contact'), ('list_contacts'), ('mute_contact'), ('busy');
CREATE ROLE t_breaker LOGIN; GRANT approval_break_glass TO t_breaker;

SELECT is(pg_temp.granted('t_exporter'), '{}', 'exporter: no function');
SELECT is(pg_temp.granted('t_minion'), '{expected_documents,record_return,record_returns}', 'minion_returner: its claims');
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '1') \g /dev/null
SELECT is(ARRAY[pg_temp.act('t_minion', 'SELECT revision FROM approval.expected_documents(''{web1}'', ''{NULL}'', ''{x}'')'),
                pg_temp.act('t_returner', 'SELECT revision FROM approval.expected_documents(''{web1}'', ''{NULL}'', ''{x}'')')], '{NULL,1}',
    'which are compared with nothing: it is given no document');
SELECT is(pg_temp.granted('t_engine'), '{advance_rollout,awaited_minions,awaiting_start,begin_dispatches,claim_outbox,'
    'dispatch_pause,due_catch_ups,due_outbox,expire_due,list_catalog_returns,list_dispatches,lock_groups,'
    'maintain_changes,maintain_jobs,maintain_standings,metrics,next_dispatch,next_due,note_catch_ups,note_facts,note_minion,'
    'note_observation,'
    'note_sent,note_silence,note_starts,put_catalog,put_minions,refuse_catalog,renew_requests,seal_audit,'
    'settle_action,settle_alarms,settle_catch_ups,settle_dispatches,settle_outbox,settle_reinstalls,'
    'take_catalogs,take_catch_ups,take_checks,take_dispatches,tell,unknown_minions,want_catalogs}', 'engine');
CREATE ROLE t_itsm LOGIN; GRANT approval_itsm TO t_itsm;
SELECT is(pg_temp.granted('t_itsm'), '{ask_by_ticket,bind_ticket,claim_deliveries,claim_outbox,decide_by_ticket,delivery_outcome,due_looks,due_outbox,hold_ticket,'
    'list_deliveries,list_offered_minions,list_offers,note_token_expiry,poll_mark,receive_delivery,refuse_ticket,release_ticket,request_of_ref,'
    'requests_of_ticket,retry_delivery,revert_by_ticket,set_poll_mark,settle_delivery,settle_outbox,ticket_news,ticket_of,tickets,'
    'want_options}', 'itsm: no other way to ask or decide');
CREATE ROLE t_chat LOGIN; GRANT approval_chat TO t_chat;
SELECT is(pg_temp.granted('t_chat'), '{ask_people,asked_people,busy,chat_may_ask,chat_messages,chat_story,claim_messages,decide,drop_contact,drop_stale,failed_returns,hold_socket,inbox,'
    'list_contacts,list_requests,mute_contact,post_digests,put_contact,settle_message,show_request,tell_jobs,whoami}', 'chat: what is told there, and what those say who answer');
CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
SELECT is(pg_temp.granted('t_portal'), '{begin_api_call,begin_session,cancel_by_session,compliance_by_session,count_attempt,decide_by_session,delegate_by_session,'
    'end_api_call,end_api_token,end_delegation_by_session,end_other_sessions,end_session,export_audit_by_session,inbox_by_session,'
    'list_api_tokens,list_audit_by_session,list_delegations_by_session,list_group_by_session,list_groups_by_session,list_jobs_by_session,'
    'list_minions_by_session,list_requests_by_session,list_returns_by_session,list_sessions,list_types_by_session,'
    'make_api_token,next_opening_by_session,note_look_by_session,out_of_line_by_session,replay_type_by_session,revert_by_session,'
    'review_by_session,search_packages_by_session,show_audit_entry_by_session,show_calendar_by_session,'
    'show_health_by_session,show_minion_by_session,show_plan_by_session,show_request_by_session,'
    'show_type_by_session,show_values,submit_request_by_session,use_api_token,use_session,verify_audit_by_session,watch_by_session,'
    'what_if_by_session}', 'portal: what people with a session there may');
SELECT is(pg_temp.granted('t_stranger'), '{}', 'a login without a role: none');
SELECT set_eq('SELECT unnest(pg_temp.granted(''t_auditor''))', $$SELECT name FROM reading UNION VALUES ('show_policy'), ('inbox_of'), ('list_returns'), ('list_quarantine'), ('list_jobs'), ('check_job_log'), ('metrics')$$,
    'auditor: reads');
SELECT set_eq('SELECT unnest(pg_temp.granted(''t_bob''))', $$SELECT name FROM reading UNION SELECT name FROM asking UNION VALUES ('inbox')$$,
    'person: what waits for oneself, not for others');
SELECT is(pg_temp.granted('t_breaker'), '{break_glass}', 'break_glass: only that, beside what the login is granted otherwise');
SELECT set_eq('SELECT unnest(pg_temp.granted(''t_runner''))',
    $$SELECT name FROM reading UNION SELECT name FROM asking
    UNION VALUES ('put_minions'), ('remove_minions'), ('plan_items'), ('put_plan'), ('inbox'), ('inbox_of'), ('list_returns'), ('list_quarantine'), ('list_jobs'), ('check_job_log'), ('note_import')$$, 'operator');
SELECT set_eq('SELECT unnest(pg_temp.granted(''t_policy''))', $$SELECT name FROM reading UNION VALUES ('put_principal'), ('disable_principal'),
    ('put_identity'), ('drop_identity'), ('put_group'), ('put_membership'), ('drop_membership'), ('put_request_type'),
    ('put_minion_group'), ('put_calendar'), ('put_freeze'), ('drop_freeze'), ('put_speaker'), ('drop_speaker'), ('put_route'), ('drop_route'), ('show_policy'), ('remove_minions'),
    ('inbox_of'), ('put_alarm_rule'), ('put_readers'), ('put_contact'), ('drop_contact'), ('pseudonymise_principal')$$, 'policy_admin: no decisions');
SELECT set_eq('SELECT unnest(pg_temp.granted(''t_returner''))', $$VALUES ('expected_documents'), ('record_return'), ('record_returns'), ('save_load'), ('save_minions'), ('get_load'),
    ('get_jid'), ('get_jids'), ('get_fun'), ('get_minions'), ('update_endtime'), ('get_endtime'), ('save_events'), ('maintain_jobs'), ('seal_audit')$$, 'returner');

SELECT lives_ok($$SELECT pg_temp.act('t_auditor', 'SELECT count(*) FROM approval.standing, approval.job_finding')$$, 'auditor: reads views as they are');

-- Every table, every login, every way to write: by really trying.
SELECT is_empty($$
    SELECT login, relname, privilege
    FROM unnest(ARRAY['t_alice', 't_runner', 't_policy', 't_exporter', 't_returner', 't_minion', 't_engine', 't_itsm', 't_chat', 't_portal', 't_auditor', 't_stranger']) AS login,
        pg_class AS c, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) AS privilege
    WHERE c.relnamespace = 'approval'::regnamespace AND c.relkind IN ('r', 'p') AND has_table_privilege(login, c.oid, privilege)$$,
    'no login may write any table');
CREATE FUNCTION pg_temp.refused(login text, statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.act(login, statement);
    RETURN false;
EXCEPTION WHEN insufficient_privilege THEN
    RETURN true;
END
$$;
SELECT is_empty($$
    SELECT login, relname, verb
    FROM unnest(ARRAY['t_alice', 't_runner', 't_policy', 't_exporter', 't_returner', 't_minion', 't_engine', 't_itsm', 't_chat', 't_portal', 't_auditor', 't_stranger']) AS login,
        pg_class AS c, unnest(ARRAY['DELETE FROM approval.%I', 'INSERT INTO approval.%I DEFAULT VALUES', 'TRUNCATE approval.%I']) AS verb
    WHERE c.relnamespace = 'approval'::regnamespace AND c.relkind IN ('r', 'p') AND NOT pg_temp.refused(login, format(verb, relname))$$,
    'each is refused when it tries');
SELECT is_empty($$
    SELECT login, relname
    FROM unnest(ARRAY['t_alice', 't_runner', 't_policy', 't_exporter', 't_returner', 't_minion', 't_engine', 't_itsm', 't_chat', 't_stranger']) AS login, pg_class AS c
    WHERE c.relnamespace = 'approval'::regnamespace AND c.relkind IN ('r', 'p') AND has_table_privilege(login, c.oid, 'SELECT')
        AND relname NOT IN ('migration', 'code_version')$$,
    'and none but the auditor reads a table, beside the record of what was installed');
SELECT is((
    SELECT string_agg(concat_ws(' ', login, relname, privilege), ', ' ORDER BY login)
    FROM unnest(ARRAY['t_alice', 't_runner', 't_policy', 't_exporter', 't_returner', 't_minion', 't_engine', 't_itsm', 't_chat', 't_portal', 't_auditor', 't_stranger']) AS login,
        pg_class AS c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) AS privilege
    WHERE c.relnamespace = 'approval'::regnamespace AND c.relkind IN ('v', 'm') AND has_table_privilege(login, c.oid, privilege)
        AND NOT (login = 't_auditor' AND privilege = 'SELECT' AND relname <> 'exported_document')),
    't_exporter exported_document SELECT', 'views: the auditor reads them, but the one with keys, which is the exporter''s; nobody does more');
SELECT ok(pg_temp.refused('t_auditor', 'SELECT evidence_key FROM approval.document') AND pg_temp.refused('t_auditor', 'SELECT * FROM approval.document_history'),
    'the auditor reads no key');
SELECT is_empty($$
    SELECT proname FROM pg_proc AS p WHERE pronamespace = 'approval'::regnamespace
        AND (prosecdef AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}'))
             OR obj_description(oid, 'pg_proc') IS NULL OR proowner <> 'approval_owner'::regrole
             OR (prosecdef AND obj_description(oid, 'pg_proc') NOT LIKE '%Definer:%'))$$,
    'every function is described and owned by the owner; every definer fixes its path and says why');
SELECT * FROM finish();
ROLLBACK;
