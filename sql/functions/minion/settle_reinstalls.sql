CREATE OR REPLACE FUNCTION approval.settle_reinstalls() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    proven record;
    settled integer := 0;
BEGIN
    FOR proven IN
        SELECT r.minion_id, r.reinstall_no, r.key_digest, r.machine_id, receipt.jid, receipt.revision
        FROM approval.reinstall AS r
        CROSS JOIN LATERAL (
            SELECT e.jid, e.revision FROM approval.job_return AS e
            WHERE e.minion_id = r.minion_id AND e.received_at > r.accepted_at AND e.authenticated AND e.verdict = 'converged'
                AND e.fun IN ('state.apply', 'state.highstate', 'state.sls') AND NOT e.flags && '{stale}'
                -- The return is of the document in force, shows it by evidence alone, and is of a job of after: it may have waited
                -- in a spool.
                AND e.revision = (SELECT d.revision FROM approval.document_in_force(moment) AS d WHERE d.minion_id = r.minion_id)
                AND NOT EXISTS (SELECT FROM approval.findings_of(e.findings) AS f WHERE f.source IS DISTINCT FROM 'evidence')
                AND EXISTS (SELECT FROM approval.job AS j WHERE j.jid = e.jid AND j.published_at > r.noticed_at)
            ORDER BY e.received_at LIMIT 1) AS receipt
        WHERE r.state = 'accepted'
        ORDER BY r.minion_id
        FOR NO KEY UPDATE OF r SKIP LOCKED
    LOOP
        UPDATE approval.reinstall AS r SET state = 'converged', converged_at = moment, converged_jid = proven.jid
        WHERE r.minion_id = proven.minion_id AND r.reinstall_no = proven.reinstall_no;
        PERFORM approval.audit_append(0, moment, 'reinstall-converged', NULL, NULL, NULL, jsonb_build_object(
            'minion', proven.minion_id, 'key', proven.key_digest, 'machine_id', proven.machine_id, 'jid', proven.jid,
                'revision', proven.revision));
        settled := settled + 1;
    END LOOP;
    RETURN settled;
END
$$;
COMMENT ON FUNCTION approval.settle_reinstalls IS
    'Records the receipt for reinstalled minions that have converged on what is in force since they were noticed: an authentic '
    'return of a state run, by its evidence alone. Gives how many. Definer: tables are private.';
