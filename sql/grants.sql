-- Who may call what. All is taken first from everybody, and from the group roles of this and of any earlier version: what no
-- line below names is internal. Logins stay members of their roles, and what an administrator gave to other roles is theirs.
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
    -- What tables and functions to come, such as partitions, would be given by themselves.
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
    approval_returner, approval_minion_returner, approval_engine, approval_auditor;
-- Each of them can tell whether the schema is of its version.
GRANT SELECT ON approval.migration, approval.code_version TO
    approval_policy_admin, approval_operator, approval_person, approval_exporter,
    approval_returner, approval_minion_returner, approval_engine, approval_auditor;

GRANT EXECUTE ON FUNCTION
    approval.save_load(text, text, text, text, text, text[], bytea, boolean, double precision),
    approval.save_minions(text, text[], text),
    approval.get_load(text),
    approval.get_jid(text),
    approval.get_jids(integer),
    approval.get_fun(text),
    approval.get_minions(),
    approval.update_endtime(text, double precision),
    approval.get_endtime(text),
    approval.save_events(text[], bytea[]),
    approval.maintain_jobs(integer),
    approval.seal_audit()
TO approval_returner;
-- A minion's own login stores claims; expected_documents gives it nothing.
GRANT EXECUTE ON FUNCTION
    approval.expected_documents(text[], bigint[], text[]),
    approval.record_returns(
        text[], text[], text[], bigint[], boolean[], text[], boolean[], bigint[], text[], text[], text[], text[], text[], bytea[], bytea[])
TO approval_returner, approval_minion_returner;

GRANT EXECUTE ON FUNCTION
    approval.submit_request(text, text, text, text, text[], text[], text[], text[], timestamptz, text, text, text, text),
    approval.amend_request(text, text, bigint, text[], text[], text[], text[], text),
    approval.resolve_overlap(text, text, bigint, bigint, text),
    approval.revert_request(text, text, bigint, text[], text, text),
    approval.review_request(text, text, bigint, text),
    approval.delegate(text, text, text, timestamptz, timestamptz),
    approval.end_delegation(text, text, bigint),
    approval.decide(text, text, bigint, text, text, text),
    approval.cancel_request(text, text, bigint, text)
TO approval_operator, approval_person;

GRANT EXECUTE ON FUNCTION
    approval.list_requests(text, text, text, bigint, integer),
    approval.show_request(bigint, text[], text[], integer),
    approval.show_state(text),
    approval.list_types(),
    approval.list_minions(),
    approval.audit_trail(bigint),
    approval.verify_audit(),
    approval.check_policy(),
    approval.why(text, text, text),
    approval.what_if(text, text, integer),
    approval.replay_type(jsonb, integer),
    approval.export_audit(),
    approval.audit_head(),
    approval.list_freezes(),
    approval.list_calendars()
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;

GRANT EXECUTE ON FUNCTION approval.show_policy() TO approval_policy_admin, approval_auditor;

GRANT EXECUTE ON FUNCTION approval.put_minions(text[]) TO approval_operator, approval_engine;
GRANT EXECUTE ON FUNCTION
    approval.seal_audit(),
    approval.expire_due(timestamptz),
    approval.renew_requests(timestamptz)
TO approval_engine;
GRANT EXECUTE ON FUNCTION approval.remove_minions(text, text, text[], text) TO approval_operator, approval_policy_admin;
GRANT EXECUTE ON FUNCTION approval.break_glass(text, text, bigint, text) TO approval_break_glass;
GRANT EXECUTE ON FUNCTION approval.maintain_jobs(integer) TO approval_engine;

GRANT EXECUTE ON FUNCTION
    approval.put_principal(text, text),
    approval.disable_principal(text),
    approval.put_identity(text, text, text),
    approval.drop_identity(text, text),
    approval.put_speaker(text, text, text, boolean),
    approval.drop_speaker(text, text),
    approval.put_group(text, text),
    approval.put_membership(text, text),
    approval.drop_membership(text, text),
    approval.put_request_type(jsonb),
    approval.put_minion_group(text, text, text[]),
    approval.put_calendar(text, text, text, interval, timestamp, timestamptz[]),
    approval.put_freeze(text, timestamptz, timestamptz, text, text, text),
    approval.drop_freeze(text)
TO approval_policy_admin;

-- Auditors read everything but the keys that prove which minion spoke.
GRANT SELECT ON
    approval.principal, approval.identity, approval.speaks_for, approval.principal_group, approval.membership, approval.assurance,
    approval.request_type, approval.request_type_stage, approval.request_type_quorum,
    approval.delegation, approval.calendar, approval.calendar_span, approval.freeze, approval.request_overlap,
    approval.minion, approval.minion_group, approval.minion_group_member,
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
    approval.show_type(text, integer),
    approval.list_delegations()
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT EXECUTE ON FUNCTION approval.whoami(text, text) TO approval_operator, approval_person;

-- With its keys: of all minions, for the snapshot.
GRANT SELECT ON approval.exported_document TO approval_exporter;

-- Plans: only the runner reaches minions; what it got from them everybody may see who sees requests.
GRANT EXECUTE ON FUNCTION
    approval.plan_items(bigint, integer),
    approval.put_plan(text, text, bigint, text, jsonb)
TO approval_operator;
GRANT EXECUTE ON FUNCTION approval.show_plan(bigint) TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT SELECT ON approval.request_plan, approval.request_plan_minion TO approval_auditor;

-- The engine sends what was approved, and judges what proves it.
GRANT EXECUTE ON FUNCTION
    approval.claim_outbox(text, interval, bigint),
    approval.due_outbox(text, bigint[], integer),
    approval.dispatch_pause(bigint, text[]),
    approval.awaited_minions(bigint, integer),
    approval.settle_outbox(text, bigint, bigint, text, timestamptz, text),
    approval.due_dispatches(bigint, text[], integer),
    approval.next_dispatch(bigint, text[]),
    approval.begin_dispatch(text, bigint, text, text),
    approval.note_sent(text, bigint, text, boolean),
    approval.open_dispatches(integer),
    approval.note_observation(text, bigint, text),
    approval.settle_action(text, bigint, text, boolean, text, text),
    approval.settle_dispatches(timestamptz),
    approval.awaiting_start(text),
    approval.next_due()
TO approval_engine;
GRANT EXECUTE ON FUNCTION approval.list_outbox(text, integer)
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT EXECUTE ON FUNCTION
    approval.retry_outbox(text, text, text, bigint),
    approval.drop_outbox(text, text, text, bigint)
TO approval_operator, approval_person;
GRANT SELECT ON approval.dispatch TO approval_auditor;

-- Drift, silence and where each minion stands.
GRANT EXECUTE ON FUNCTION
    approval.due_checks(text[], interval, integer),
    approval.find_silent(interval)
TO approval_engine;
GRANT EXECUTE ON FUNCTION
    approval.compliance(),
    approval.out_of_line(integer)
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT SELECT ON approval.drift, approval.silence, approval.silence_mark, approval.minion_check, approval.standing TO approval_auditor;

-- Minions that come back installed anew.
GRANT EXECUTE ON FUNCTION
    approval.note_minion(text, text, boolean, text),
    approval.unknown_minions(text[]),
    approval.settle_reinstalls()
TO approval_engine;
GRANT EXECUTE ON FUNCTION approval.list_reinstalls(text, integer)
TO approval_operator, approval_person, approval_policy_admin, approval_auditor;
GRANT SELECT ON approval.reinstall TO approval_auditor;

-- What waits for oneself everybody may ask; what waits for others, who watches over it.
GRANT EXECUTE ON FUNCTION approval.inbox(text, text, bigint, integer) TO approval_operator, approval_person;
GRANT EXECUTE ON FUNCTION approval.inbox_of(text, text, bigint, integer) TO approval_operator, approval_policy_admin, approval_auditor;
GRANT EXECUTE ON FUNCTION
    approval.list_returns(text, text, boolean, timestamptz, text[], integer),
    approval.list_quarantine(text, timestamptz, bigint, integer)
TO approval_operator, approval_auditor;

-- What a revert left out.
GRANT SELECT ON approval.request_left_out TO approval_auditor;
