-- Privileges on functions, tables and views. All is taken first from everybody, and from the group roles of this and of any earlier
-- version: a function that no line below names is internal. Logins stay members of their roles, and what an administrator gave to
-- other roles is theirs.
DO $$
DECLARE
    grantee text;
    kind text;
    preset record;
BEGIN
    FOR grantee IN
        SELECT 'PUBLIC' UNION ALL
        SELECT format('%I', rolname) FROM pg_catalog.pg_roles
        WHERE starts_with(rolname, 'approval_') AND NOT rolcanlogin AND rolname <> 'approval_owner'
    LOOP
        EXECUTE format('REVOKE ALL ON SCHEMA approval FROM %s CASCADE', grantee);
        FOREACH kind IN ARRAY ARRAY['ROUTINES', 'TABLES', 'SEQUENCES'] LOOP
            EXECUTE format('REVOKE ALL ON ALL %s IN SCHEMA approval FROM %s CASCADE', kind, grantee);
        END LOOP;
    END LOOP;
    -- Tables and functions to come, such as partitions, would be given these by themselves.
    FOR preset IN
        SELECT DISTINCT CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES'
                            WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END AS kind,
            CASE WHEN d.defaclnamespace <> 0 THEN ' IN SCHEMA approval' ELSE '' END AS place, format('%I', r.rolname) AS grantee
        FROM pg_catalog.pg_default_acl AS d
        CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) AS a
        JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
        WHERE d.defaclrole = 'approval_owner'::regrole AND d.defaclnamespace IN (0, 'approval'::regnamespace)
            AND starts_with(r.rolname, 'approval_') AND NOT r.rolcanlogin AND r.rolname <> 'approval_owner'
    LOOP
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE approval_owner%s REVOKE ALL ON %s FROM %s',
                       preset.place, preset.kind, preset.grantee);
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA approval TO
    approval_policy_admin, approval_operator, approval_person, approval_break_glass, approval_exporter,
    approval_returner, approval_minion_returner, approval_engine, approval_itsm, approval_chat, approval_portal, approval_auditor;
-- Each of them can tell whether the schema is of its version.
GRANT SELECT ON approval.migration, approval.code_version TO
    approval_policy_admin, approval_operator, approval_person, approval_exporter,
    approval_returner, approval_minion_returner, approval_engine, approval_itsm, approval_chat, approval_portal, approval_auditor;

GRANT EXECUTE ON FUNCTION
    approval.save_load,
    approval.save_minions,
    approval.get_load,
    approval.get_jid,
    approval.get_jids,
    approval.get_fun,
    approval.get_minions,
    approval.update_endtime,
    approval.get_endtime,
    approval.save_events,
    approval.maintain_jobs,
    approval.seal_audit
TO approval_returner;
-- A minion's own login stores claims; expected_documents gives it nothing.
GRANT EXECUTE ON FUNCTION
    approval.expected_documents,
    approval.record_return,
    approval.record_returns
TO approval_returner, approval_minion_returner;

GRANT EXECUTE ON FUNCTION
    approval.submit_request,
    approval.amend_request,
    approval.resolve_overlap,
    approval.revert_request,
    approval.review_request,
    approval.delegate,
    approval.end_delegation,
    approval.decide,
    approval.cancel_request,
    approval.note_look,
    approval.show_values
TO approval_operator, approval_person;

GRANT EXECUTE ON FUNCTION
    approval.list_requests,
    approval.show_request,
    approval.show_state,
    approval.list_types,
    approval.list_minions,
    approval.audit_trail,
    approval.verify_audit,
    approval.check_policy,
    approval.check_work,
    approval.check_alarms,
    approval.why,
    approval.what_if,
    approval.replay_type,
    approval.export_audit,
    approval.audit_head,
    approval.list_freezes,
    approval.list_calendars,
    approval.show_readings
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;

GRANT EXECUTE ON FUNCTION approval.show_policy TO approval_policy_admin, approval_auditor;

GRANT EXECUTE ON FUNCTION approval.put_minions TO approval_operator, approval_engine;
GRANT EXECUTE ON FUNCTION
    approval.seal_audit,
    approval.expire_due,
    approval.maintain_changes,
    approval.maintain_standings,
    approval.renew_requests
TO approval_engine;
GRANT EXECUTE ON FUNCTION approval.remove_minions TO approval_operator, approval_policy_admin;
GRANT EXECUTE ON FUNCTION approval.break_glass TO approval_break_glass;
GRANT EXECUTE ON FUNCTION approval.maintain_jobs TO approval_engine;

GRANT EXECUTE ON FUNCTION
    approval.put_principal,
    approval.disable_principal,
    approval.put_identity,
    approval.drop_identity,
    approval.put_speaker,
    approval.drop_speaker,
    approval.put_route,
    approval.drop_route,
    approval.put_group,
    approval.put_membership,
    approval.drop_membership,
    approval.put_request_type,
    approval.put_minion_group,
    approval.put_calendar,
    approval.put_freeze,
    approval.drop_freeze,
    approval.put_readers
TO approval_policy_admin;

-- Auditors read everything but the keys that prove which minion spoke.
GRANT SELECT ON
    approval.principal, approval.identity, approval.speaks_for, approval.route, approval.principal_group, approval.membership,
    approval.assurance, approval.request_type, approval.request_type_stage, approval.request_type_quorum,
    approval.delegation, approval.calendar, approval.calendar_span, approval.freeze, approval.request_overlap,
    approval.minion, approval.minion_group, approval.minion_group_member,
    approval.reader, approval.request_reach,
    approval.request_state, approval.transition, approval.request, approval.request_history, approval.request_stage,
    approval.request_quorum, approval.item_set, approval.item, approval.decision,
    approval.audit_stream, approval.audit_entry, approval.audit_seal, approval.audit_sealed_head,
    approval.job, approval.job_finding, approval.quarantine, approval.outbox, approval.setting
TO approval_auditor;
GRANT SELECT (minion_id, revision, valid_from, valid_until, digest, kinds, names, types, contents, item_ids)
ON approval.document TO approval_auditor;
GRANT SELECT (minion_id, revision, valid_from, written_at, digest, kinds, names, types, contents, item_ids)
ON approval.document_history TO approval_auditor;
GRANT SELECT (jid, minion_id, attempt, fun, retcode, success, verdict, authenticated, flags, revision, run_id, boot_id, received_at,
              payload_digest)
ON approval.job_return TO approval_auditor;

GRANT EXECUTE ON FUNCTION
    approval.show_type,
    approval.list_delegations
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT EXECUTE ON FUNCTION approval.whoami TO approval_operator, approval_person;

-- With its keys: of all minions, for the snapshot.
GRANT SELECT ON approval.exported_document TO approval_exporter;

-- Plans: only the runner reaches minions; what it got from them everybody may see who sees requests.
GRANT EXECUTE ON FUNCTION
    approval.plan_items,
    approval.put_plan
TO approval_operator;
GRANT EXECUTE ON FUNCTION approval.show_plan TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT SELECT ON approval.request_plan, approval.request_plan_minion TO approval_auditor;

-- The engine sends what was approved, and judges what proves it.
GRANT EXECUTE ON FUNCTION
    approval.claim_outbox,
    approval.due_outbox,
    approval.dispatch_pause,
    approval.awaited_minions,
    approval.settle_outbox,
    approval.tell,
    approval.take_dispatches,
    approval.next_dispatch,
    approval.note_sent,
    approval.list_dispatches,
    approval.note_observation,
    approval.settle_action,
    approval.settle_dispatches,
    approval.awaiting_start,
    approval.next_due
TO approval_engine;
GRANT EXECUTE ON FUNCTION approval.list_outbox
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT EXECUTE ON FUNCTION
    approval.retry_outbox,
    approval.drop_outbox
TO approval_operator, approval_person;
GRANT SELECT ON approval.dispatch TO approval_auditor;

-- Drift, silence and where each minion stands.
GRANT EXECUTE ON FUNCTION
    approval.take_checks,
    approval.note_silence
TO approval_engine;
GRANT EXECUTE ON FUNCTION
    approval.compliance,
    approval.out_of_line
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT SELECT ON approval.drift, approval.silence, approval.silence_mark, approval.minion_check,
    approval.standing TO approval_auditor;

-- Minions that come back installed anew.
GRANT EXECUTE ON FUNCTION
    approval.note_minion,
    approval.unknown_minions,
    approval.settle_reinstalls
TO approval_engine;
GRANT EXECUTE ON FUNCTION approval.list_reinstalls
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT SELECT ON approval.reinstall TO approval_auditor;

-- Minions that start and are behind what is approved for them.
GRANT EXECUTE ON FUNCTION
    approval.note_starts,
    approval.due_catch_ups,
    approval.take_catch_ups,
    approval.note_catch_ups,
    approval.settle_catch_ups
TO approval_engine;
GRANT EXECUTE ON FUNCTION approval.list_catch_ups
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT SELECT ON approval.catch_up TO approval_auditor;

-- Everybody may ask for their own inbox; only those who watch over requests, for that of others.
GRANT EXECUTE ON FUNCTION approval.inbox TO approval_operator, approval_person;
GRANT EXECUTE ON FUNCTION approval.inbox_of TO approval_operator, approval_policy_admin, approval_auditor;
GRANT EXECUTE ON FUNCTION
    approval.list_returns,
    approval.list_quarantine
TO approval_operator, approval_auditor;

-- Items that a revert left out.
GRANT SELECT ON approval.request_left_out TO approval_auditor;

-- The job log.
GRANT EXECUTE ON FUNCTION
    approval.list_jobs,
    approval.check_job_log
TO approval_operator, approval_auditor;
GRANT SELECT ON approval.job_log, approval.minion_number TO approval_auditor;

-- Waves. Anybody known may stop all sending; who may let it go on, the functions say.
GRANT EXECUTE ON FUNCTION
    approval.advance_rollout,
    approval.begin_dispatches,
    approval.lock_groups
TO approval_engine;
GRANT EXECUTE ON FUNCTION
    approval.show_rollout,
    approval.sending_paused
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT EXECUTE ON FUNCTION
    approval.resume_rollout,
    approval.pause_all,
    approval.resume_all
TO approval_operator, approval_person;
GRANT SELECT ON approval.rollout, approval.wave, approval.wave_minion, approval.sending_pause TO approval_auditor;

-- The inventory: which packages each minion could get.
GRANT EXECUTE ON FUNCTION
    approval.note_facts,
    approval.take_catalogs,
    approval.list_catalog_returns,
    approval.put_catalog,
    approval.refuse_catalog
TO approval_engine;
GRANT EXECUTE ON FUNCTION approval.want_catalogs TO approval_engine, approval_operator, approval_person;
GRANT EXECUTE ON FUNCTION
    approval.search_packages,
    approval.catalog_progress,
    approval.show_minion
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT SELECT ON approval.minion_fact, approval.catalog, approval.catalog_member, approval.catalog_ask, approval.package_name,
    approval.catalog_version, approval.request_note
TO approval_auditor;

-- Numbers for monitoring, which name nobody.
GRANT EXECUTE ON FUNCTION approval.metrics TO approval_engine, approval_auditor;

-- Alarms: the engine makes them of what was seen, people judge them.
GRANT EXECUTE ON FUNCTION approval.settle_alarms TO approval_engine;
GRANT EXECUTE ON FUNCTION approval.list_alarms TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT EXECUTE ON FUNCTION
    approval.acknowledge_alarm,
    approval.mute_alarm
TO approval_operator, approval_person;
GRANT EXECUTE ON FUNCTION approval.put_alarm_rule TO approval_policy_admin;
GRANT SELECT ON approval.alarm_kind, approval.alarm_rule, approval.alarm TO approval_auditor;

-- Tickets: each function is for the sites that the login speaks for.
GRANT EXECUTE ON FUNCTION
    approval.receive_delivery,
    approval.claim_deliveries,
    approval.settle_delivery,
    approval.ask_by_ticket,
    approval.decide_by_ticket,
    approval.bind_ticket,
    approval.hold_ticket,
    approval.release_ticket,
    approval.revert_by_ticket,
    approval.ticket_news,
    approval.tickets,
    approval.ticket_of,
    approval.request_of_ref,
    approval.poll_mark,
    approval.set_poll_mark,
    approval.list_deliveries,
    approval.retry_delivery,
    approval.note_token_expiry
TO approval_itsm;
GRANT EXECUTE ON FUNCTION
    approval.requests_of_ticket,
    approval.refuse_ticket,
    approval.due_looks
TO approval_itsm;
GRANT EXECUTE ON FUNCTION
    approval.due_outbox,
    approval.claim_outbox,
    approval.settle_outbox
TO approval_itsm;
-- The web service answers a rule with what came of it.
GRANT EXECUTE ON FUNCTION approval.delivery_outcome TO approval_itsm;
GRANT SELECT ON approval.ticket, approval.ticket_request, approval.ticket_hold, approval.ticket_delivery, approval.ticket_poll,
    approval.request_editor, approval.decision_proof
TO approval_auditor;

-- Requests that are taken over from an older system.
GRANT EXECUTE ON FUNCTION approval.note_import TO approval_operator;

-- Packages and minions by name, which tickets are offered.
GRANT EXECUTE ON FUNCTION
    approval.list_offers,
    approval.list_offered_minions,
    approval.want_options
TO approval_itsm;

-- Chat: what people are told there, and what they say. Decisions are for those whom the login may name, as the policy says.
GRANT EXECUTE ON FUNCTION
    approval.claim_messages,
    approval.settle_message,
    approval.drop_stale,
    approval.chat_messages,
    approval.chat_story,
    approval.failed_returns,
    approval.tell_jobs,
    approval.ask_people,
    approval.asked_people,
    approval.post_digests,
    approval.chat_may_ask,
    approval.hold_socket,
    approval.inbox,
    approval.decide,
    approval.list_requests,
    approval.show_request,
    approval.whoami
TO approval_chat;
GRANT EXECUTE ON FUNCTION
    approval.put_contact,
    approval.drop_contact
TO approval_policy_admin, approval_operator, approval_person, approval_chat;
GRANT EXECUTE ON FUNCTION
    approval.list_contacts,
    approval.mute_contact
TO approval_operator, approval_person, approval_chat;
GRANT EXECUTE ON FUNCTION approval.busy TO approval_operator, approval_person, approval_chat;
GRANT SELECT ON approval.chat_message, approval.job_told, approval.contact, approval.asked, approval.ask_due,
    approval.stranger, approval.chat_socket
TO approval_auditor;

-- The pages for people on the web. All but the beginning of a session goes by its token: the login acts as nobody who did not
-- sign in.
GRANT EXECUTE ON FUNCTION
    approval.count_attempt,
    approval.begin_session,
    approval.use_session,
    approval.watch_by_session,
    approval.end_session,
    approval.end_other_sessions,
    approval.list_sessions,
    approval.inbox_by_session,
    approval.show_request_by_session,
    approval.show_plan_by_session,
    approval.decide_by_session,
    approval.review_by_session
TO approval_portal;
GRANT EXECUTE ON FUNCTION
    approval.list_minions_by_session,
    approval.show_minion_by_session,
    approval.list_returns_by_session,
    approval.list_jobs_by_session,
    approval.list_types_by_session,
    approval.show_type_by_session,
    approval.what_if_by_session,
    approval.replay_type_by_session,
    approval.list_groups_by_session,
    approval.list_group_by_session,
    approval.search_packages_by_session,
    approval.submit_request_by_session,
    approval.compliance_by_session,
    approval.out_of_line_by_session,
    approval.show_calendar_by_session,
    approval.next_opening_by_session,
    approval.show_health_by_session,
    approval.list_audit_by_session,
    approval.show_audit_entry_by_session,
    approval.verify_audit_by_session,
    approval.export_audit_by_session
TO approval_portal;
GRANT EXECUTE ON FUNCTION
    approval.list_delegations_by_session,
    approval.delegate_by_session,
    approval.end_delegation_by_session,
    approval.list_requests_by_session,
    approval.cancel_by_session,
    approval.revert_by_session,
    approval.make_api_token,
    approval.end_api_token,
    approval.list_api_tokens,
    approval.use_api_token,
    approval.begin_api_call,
    approval.end_api_call
TO approval_portal;
GRANT SELECT (token_no, provider, subject, title, scopes, made_at, used_at, ends_at) ON approval.api_token TO approval_auditor;
GRANT SELECT (token_no, answer, answered_at) ON approval.api_call TO approval_auditor;
GRANT SELECT (session_no, provider, subject, address, began_at, seen_at, ends_at, authenticated_until, sign_in)
ON approval.web_session TO approval_auditor;
GRANT EXECUTE ON FUNCTION approval.pseudonymise_principal TO approval_policy_admin;
GRANT EXECUTE ON FUNCTION approval.note_look_by_session, approval.show_values TO approval_portal;
GRANT SELECT ON approval.sensitive, approval.look TO approval_auditor;
