CREATE OR REPLACE FUNCTION approval.record_return(
    p_jid text, p_minion_id text, p_fun text, p_retcode bigint, p_success boolean, p_verdict text, p_authenticated boolean,
    p_revision bigint, p_digest text, p_run_id text, p_boot_id text, p_findings text, p_before text, p_payload bytea,
    p_payload_digest bytea, p_key_digest bytea)
    RETURNS TABLE (outcome text, attempt integer)
    -- For these settings see record_returns.
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET lock_timeout = '2s' AS $$
DECLARE
    moment timestamptz := now();
    first_jid text;
    last_jid text;
    published_at timestamptz;
    asked_at timestamptz;
    is_target boolean;
    is_expected boolean;
    judgement record;
    counted bigint;
BEGIN
    IF pg_has_role(session_user, 'approval_returner', 'MEMBER') THEN
        SELECT k.first_jid, k.last_jid INTO first_jid, last_jid FROM approval.kept_jids(moment) AS k;
        IF approval.jid_is_current(p_jid, first_jid, last_jid) THEN
            -- Two deliveries of one return wait for each other here, so that the second is found to be a repeat.
            PERFORM pg_advisory_xact_lock(hashtextextended(p_jid || '/' || p_minion_id, 0));
            SELECT j.published_at, p_minion_id = ANY (j.minions) INTO published_at, is_target
            FROM approval.job AS j WHERE j.jid = p_jid;
            IF p_digest IS NOT NULL THEN
                -- Read apart: a function with a volatile argument does not become part of the statement that calls it.
                asked_at := clock_timestamp();
                SELECT (h.digest, sha256(h.evidence_key)) IS NOT DISTINCT FROM (p_digest, p_key_digest) INTO is_expected
                FROM approval.expected_document(p_minion_id, p_revision, published_at, asked_at) AS h;
                IF NOT coalesce(is_expected, p_key_digest IS NULL) THEN
                    outcome := 'outdated';
                    attempt := 0;
                    RETURN NEXT;
                    RETURN;
                END IF;
            END IF;
            SELECT * INTO judgement FROM approval.return_judgement(
                p_minion_id, p_revision, p_digest, p_run_id, p_verdict, p_findings, p_authenticated, true, published_at, is_target,
                moment);
            IF NOT judgement.is_moving AND NOT judgement.is_noting AND judgement.suspicion IS NULL THEN
                INSERT INTO approval.job_return
                    (jid, minion_id, attempt, fun, retcode, success, verdict, authenticated, flags, revision, run_id,
                     boot_id, received_at, payload_digest, payload, findings)
                VALUES (p_jid, p_minion_id, 1, p_fun, p_retcode, p_success, p_verdict, judgement.is_proven, judgement.flags,
                        p_revision, p_run_id, p_boot_id, moment, p_payload_digest, p_payload, p_findings::json)
                ON CONFLICT DO NOTHING
                RETURNING nextval(approval.return_counter(p_verdict)) INTO counted;
            END IF;
        END IF;
    END IF;
    IF counted IS NULL THEN
        RETURN QUERY SELECT r.outcome, r.attempt FROM approval.record_returns(
            ARRAY[p_jid], ARRAY[p_minion_id], ARRAY[p_fun], ARRAY[p_retcode], ARRAY[p_success], ARRAY[p_verdict],
            ARRAY[p_authenticated], ARRAY[p_revision], ARRAY[p_digest], ARRAY[p_run_id], ARRAY[p_boot_id], ARRAY[p_findings],
            ARRAY[p_before], ARRAY[p_payload], ARRAY[p_payload_digest]) AS r;
        RETURN;
    END IF;
    IF judgement.is_proven AND p_run_id IS NOT NULL THEN
        INSERT INTO approval.seen_run AS n (minion_id, run_id, jid) VALUES (p_minion_id, p_run_id, p_jid)
        ON CONFLICT (minion_id, run_id) DO UPDATE SET jid = greatest(n.jid, excluded.jid);
    END IF;
    outcome := 'recorded';
    attempt := 1;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION approval.record_return IS
    'record_returns for one return, if it was validated against the document that it has to be: the one that expected_documents '
    'gives now. outdated, and nothing is stored, if it was another one. p_digest: of that document; NULL: of none, since the '
    'return can prove nothing. p_key_digest: sha256 of its evidence key; NULL: no document is expected. What is not plain (no new '
    'return, or one that changes anything) record_returns does. Definer: returns are written in no other way.';
