CREATE OR REPLACE FUNCTION approval.record_return(
    p_jid text, p_minion_id text, p_fun text, p_retcode integer, p_success boolean,
    p_verdict text, p_authenticated boolean, p_revision bigint, p_run_id text, p_boot_id text,
    p_kinds text[], p_names text[], p_verdicts text[], p_reasons text[], p_expected text[], p_observed text[],
    p_sources text[], p_texts text[],
    p_before_kinds text[], p_before_names text[], p_before_values text[],
    p_payload bytea, p_payload_digest bytea) RETURNS TABLE (outcome text, attempt integer)
    -- Every statement finds its rows by a key. A custom plan would be made for each return, since it leaves out partitions,
    -- which a generic one does too when it starts.
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    most_attempts constant integer := 20;
    few constant integer := 200;
    moment timestamptz := now();
    proven boolean := p_authenticated AND pg_has_role(session_user, 'approval_returner', 'MEMBER');
    flags text[] := ARRAY[]::text[];
    published approval.job;
    this_attempt integer;
    same_attempt integer;
    held approval.document_history;
    pinned_any boolean;
    converged_any boolean;
    affected bigint[];
    concerned bigint;
BEGIN
    IF NOT approval.jid_is_current(p_jid, moment) THEN
        PERFORM approval.quarantine_return(p_minion_id, p_jid, p_fun, 'the jid is none, or of no job that is kept', p_payload, moment);
        RETURN QUERY SELECT 'quarantined', 0;
        RETURN;
    END IF;

    -- Two deliveries of one return wait for each other here, so that the second is found to be a repeat.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_jid || '/' || p_minion_id, 0));
    SELECT coalesce(max(r.attempt), 0) + 1, min(r.attempt) FILTER (WHERE r.payload_digest = p_payload_digest)
    INTO this_attempt, same_attempt FROM approval.job_return AS r
    WHERE r.jid = p_jid AND r.minion_id = p_minion_id;
    IF same_attempt IS NOT NULL THEN
        RETURN QUERY SELECT 'repeat', same_attempt;
        RETURN;
    END IF;
    IF this_attempt > most_attempts THEN
        PERFORM approval.quarantine_return(p_minion_id, p_jid, p_fun, 'too many different returns of one job', p_payload, moment);
        RETURN QUERY SELECT 'quarantined', 0;
        RETURN;
    END IF;

    IF p_authenticated AND NOT proven THEN
        flags := flags || 'claim'::text;
    END IF;
    IF proven AND p_run_id IS NOT NULL AND EXISTS (
            SELECT FROM approval.job_return AS r
            WHERE r.minion_id = p_minion_id AND r.run_id = p_run_id AND r.authenticated) THEN
        proven := false;
        flags := flags || 'replayed'::text;
    END IF;
    SELECT * INTO published FROM approval.job AS j WHERE j.jid = p_jid;
    IF published.jid IS NULL THEN
        flags := flags || 'unknown-job'::text;
    ELSIF NOT p_minion_id = ANY (published.minions) THEN
        flags := flags || 'untargeted'::text;
    END IF;
    IF p_revision IS NOT NULL THEN
        SELECT * INTO held FROM approval.document_history AS h WHERE h.minion_id = p_minion_id AND h.revision = p_revision;
        proven := proven AND held.revision IS NOT NULL;
        IF EXISTS (SELECT FROM approval.document_history AS h
                   WHERE h.minion_id = p_minion_id AND h.revision > p_revision AND h.valid_from <= coalesce(published.published_at, moment)
                       AND h.written_at <= coalesce(published.published_at, moment)) THEN
            flags := flags || 'stale'::text;
        END IF;
    ELSE
        proven := false;
    END IF;

    INSERT INTO approval.job_return
        (jid, minion_id, attempt, fun, retcode, success, verdict, authenticated, flags, revision, run_id, boot_id, received_at,
         payload_digest, payload)
    VALUES (p_jid, p_minion_id, this_attempt, p_fun, p_retcode, p_success, p_verdict, proven, flags, p_revision, p_run_id, p_boot_id,
            moment, p_payload_digest, p_payload);
    INSERT INTO approval.job_finding
    SELECT p_jid, p_minion_id, this_attempt, f.kind, f.name, f.verdict, f.reason, f.expected, f.observed, f.source, f.finding
    FROM unnest(p_kinds, p_names, p_verdicts, p_reasons, p_expected, p_observed, p_sources, p_texts)
        AS f (kind, name, verdict, reason, expected, observed, source, finding);

    -- Most returns are of minions that converged long ago: one look at their items tells.
    IF proven AND EXISTS (SELECT FROM approval.item AS i
                          WHERE i.minion_id = p_minion_id AND i.item_id = ANY (held.item_ids)
                              AND (i.outcome <> 'converged' OR NOT i.before_known)) THEN
        -- The minion before its items, and those before requests, as whoever approves does it.
        PERFORM approval.lock_minions(ARRAY[p_minion_id]);
        WITH held_item AS (
            SELECT e.kind, e.name, e.item_id
            FROM unnest(held.kinds, held.names, held.item_ids) AS e (kind, name, item_id)
        )
        UPDATE approval.item AS i
        SET before_known = true, before_content = b.content
        FROM held_item AS e
        JOIN unnest(p_before_kinds, p_before_names, p_before_values) AS b (kind, name, content) USING (kind, name)
        WHERE i.minion_id = p_minion_id AND i.item_id = e.item_id AND NOT i.before_known;

        WITH held_item AS (
            SELECT e.kind, e.name, e.item_id
            FROM unnest(held.kinds, held.names, held.item_ids) AS e (kind, name, item_id)
        ), moved AS (
            UPDATE approval.item AS i
            SET outcome = f.verdict,
                applied_at = CASE WHEN f.verdict = 'converged' THEN moment END,
                observed = f.observed, outcome_text = f.finding, outcome_jid = p_jid,
                pinned = CASE WHEN f.verdict = 'converged' AND i.type = 'latest' THEN f.observed END
            FROM held_item AS e
            JOIN unnest(p_kinds, p_names, p_verdicts, p_observed, p_texts) AS f (kind, name, verdict, observed, finding)
                USING (kind, name)
            WHERE i.minion_id = p_minion_id AND i.item_id = e.item_id
                AND i.outcome <> 'converged' AND f.verdict IN ('converged', 'failed', 'drift')
            RETURNING i.request_id, i.pinned, i.outcome
        )
        SELECT coalesce(bool_or(m.pinned IS NOT NULL), false), coalesce(bool_or(m.outcome = 'converged'), false),
            array_agg(DISTINCT m.request_id ORDER BY m.request_id)
        INTO pinned_any, converged_any, affected FROM moved AS m;
        -- Applied for the first time: from now on no window or freeze holds it back, and what it overtook is gone for good.
        IF pinned_any OR (converged_any AND EXISTS (
                SELECT FROM approval.document AS d WHERE d.minion_id = p_minion_id AND d.valid_from > moment)) THEN
            PERFORM approval.refresh_documents(ARRAY[p_minion_id]);
        ELSIF converged_any THEN
            affected := affected || approval.supersede_items(ARRAY[p_minion_id], clock_timestamp());
        END IF;
        FOR concerned IN SELECT DISTINCT unnest(affected) ORDER BY 1 LOOP
            -- Returns of a large request do not queue for its lock: only once few items wait can this return be the last.
            -- Two that are last at once each see the other's item wait; both then take the lock, and the second settles it.
            IF (SELECT count(*) FROM (SELECT FROM approval.item AS i
                                      WHERE i.request_id = concerned AND i.state = 'approved' AND i.outcome = 'waiting'
                                      LIMIT few) AS waiting) < few THEN
                PERFORM approval.settle_request(concerned, moment);
            END IF;
        END LOOP;
    END IF;
    RETURN QUERY SELECT CASE WHEN this_attempt = 1 THEN 'recorded' ELSE 'attempt' END, this_attempt;
END
$$;
COMMENT ON FUNCTION approval.record_return(
    text, text, text, integer, boolean, text, boolean, bigint, text, text, text[], text[], text[], text[], text[], text[], text[], text[],
    text[], text[], text[], bytea, bytea) IS
    'Stores a validated return with its findings (parallel arrays) and, if its evidence is authentic, what it means for items and '
    'requests. Outcome: recorded, attempt (another payload for this job and minion), repeat (the same one again: nothing changes), '
    'quarantined. p_payload: msgpack in an LZ4 frame; p_payload_digest: of what makes two returns the same. Callers without role '
    'approval_returner only claim: nothing moves. Definer: returns are written in no other way.';
