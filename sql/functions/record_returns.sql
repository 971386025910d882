CREATE OR REPLACE FUNCTION approval.record_returns(
    p_jids text[], p_minions text[], p_funs text[], p_retcodes bigint[], p_successes boolean[],
    p_verdicts text[], p_authenticated boolean[], p_revisions bigint[], p_digests text[], p_run_ids text[], p_boot_ids text[],
    p_findings text[], p_befores text[], p_payloads bytea[], p_payload_digests bytea[])
    RETURNS TABLE (outcome text, attempt integer)
    -- Every statement finds its rows by a key, for one return as for a thousand. A custom plan would be made for each call.
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    most_attempts constant integer := 20;
    moment timestamptz := now();
    trusted boolean := pg_has_role(session_user, 'approval_returner', 'MEMBER');
    outcomes text[];
    attempts integer[];
    quarantined integer[];
    moving integer[];
    noting integer[];
    turn integer[];
    reasons text[];
BEGIN
    IF NOT trusted THEN
        -- What reads as rows must do so for those who read it, whoever wrote it.
        PERFORM f::jsonb FROM unnest(p_findings) AS f;
    END IF;

    -- Two deliveries of one return wait for each other here, so that the second is found to be a repeat. In one order, as
    -- batches may share some.
    PERFORM pg_advisory_xact_lock(l.key)
    FROM (SELECT DISTINCT hashtextextended(g.jid || '/' || g.minion_id, 0) AS key
          FROM unnest(p_jids, p_minions) AS g (jid, minion_id) ORDER BY 1) AS l;

    WITH given AS MATERIALIZED (
        SELECT g.*, approval.jid_is_current(g.jid, moment) AS current
        FROM unnest(p_jids, p_minions, p_funs, p_retcodes, p_successes, p_verdicts, p_authenticated, p_revisions, p_digests, p_run_ids,
                    p_boot_ids, p_findings, p_payloads, p_payload_digests) WITH ORDINALITY
            AS g (jid, minion_id, fun, retcode, success, verdict, authenticated, revision, digest, run_id, boot_id, findings, payload,
                  payload_digest, place)
    ), looked_up AS (
        -- As if each came after those before it: the first of several equal ones is the return, the others are its repeats.
        SELECT g.*, kept.last_attempt, kept.same_attempt,
            row_number() OVER (PARTITION BY g.jid, g.minion_id, g.payload_digest ORDER BY g.place) AS delivery
        FROM given AS g
        LEFT JOIN LATERAL (
            SELECT max(r.attempt) AS last_attempt, min(r.attempt) FILTER (WHERE r.payload_digest = g.payload_digest) AS same_attempt
            FROM approval.job_return AS r WHERE r.jid = g.jid AND r.minion_id = g.minion_id AND r.attempt > 0) AS kept ON g.current
    ), counted AS (
        SELECT l.*, (coalesce(l.last_attempt, 0) + count(*) FILTER (WHERE l.same_attempt IS NULL AND l.delivery = 1)
                     OVER (PARTITION BY l.jid, l.minion_id ORDER BY l.place))::integer AS next_attempt
        FROM looked_up AS l
    ), numbered AS (
        SELECT c.*, coalesce(c.same_attempt, first_value(c.next_attempt)
                             OVER (PARTITION BY c.jid, c.minion_id, c.payload_digest ORDER BY c.place)) AS attempt
        FROM counted AS c
    ), sorted AS (
        SELECT n.*, CASE WHEN NOT n.current THEN 'quarantined'
                         WHEN n.same_attempt IS NOT NULL THEN 'repeat'
                         WHEN n.attempt > most_attempts THEN 'quarantined'
                         WHEN n.delivery > 1 THEN 'repeat'
                         WHEN n.attempt = 1 THEN 'recorded'
                         ELSE 'attempt' END AS outcome
        FROM numbered AS n
    ), targeted AS (
        SELECT j.jid, unnest(j.minions)
        FROM (SELECT DISTINCT g.jid FROM given AS g WHERE g.current) AS asked
        CROSS JOIN LATERAL (SELECT k.jid, k.minions FROM approval.job AS k WHERE k.jid = asked.jid LIMIT 1) AS j
        INTERSECT SELECT g.jid, g.minion_id FROM given AS g
    ), checked AS (
        SELECT s.*, held.item_ids, coalesce(run.replayed, false) AS replayed, later.stale,
            held.item_ids IS NOT NULL AND run.replayed IS NULL AND trusted AND s.authenticated AS provable,
            CASE WHEN job.jid IS NULL THEN 'unknown-job'
                 WHEN (s.jid, s.minion_id) NOT IN (SELECT t.jid, t.minion_id FROM targeted AS t (jid, minion_id)) THEN 'untargeted' END AS oddity
        FROM sorted AS s
        -- LIMIT, so that each is looked up by its key. Else the planner, which takes arrays for ten rows and a day's new partition
        -- for empty, would read whole tables.
        LEFT JOIN LATERAL (SELECT j.jid, j.published_at FROM approval.job AS j WHERE j.jid = s.jid LIMIT 1) AS job ON true
        LEFT JOIN LATERAL (
            SELECT h.item_ids FROM approval.document_history AS h
            WHERE h.minion_id = s.minion_id AND h.revision = s.revision AND h.digest = s.digest LIMIT 1) AS held ON true
        LEFT JOIN LATERAL (
            SELECT true AS stale FROM approval.document_history AS h
            WHERE h.minion_id = s.minion_id AND h.revision > s.revision AND h.valid_from <= coalesce(job.published_at, moment)
                AND h.written_at <= coalesce(job.published_at, moment) LIMIT 1) AS later ON true
        LEFT JOIN LATERAL (
            SELECT true AS replayed FROM approval.job_return AS r
            WHERE trusted AND s.authenticated AND r.minion_id = s.minion_id AND r.run_id = s.run_id AND r.authenticated LIMIT 1) AS run ON true
        WHERE s.outcome IN ('recorded', 'attempt')
    ), judged AS (
        SELECT e.*, e.provable AND NOT e.replayed_here AS proven,
            array_remove(ARRAY[CASE WHEN e.authenticated AND NOT trusted THEN 'claim' END,
                               CASE WHEN e.replayed OR e.replayed_here THEN 'replayed' END,
                               e.oddity,
                               CASE WHEN e.stale THEN 'stale' END], NULL) AS flags
        FROM (SELECT c.*, trusted AND c.authenticated AND c.run_id IS NOT NULL AND count(*) FILTER (WHERE c.provable)
                  OVER (PARTITION BY c.minion_id, c.run_id ORDER BY c.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > 0
                  AS replayed_here
              FROM checked AS c) AS e
    ), stored AS (
        INSERT INTO approval.job_return
            (jid, minion_id, attempt, fun, retcode, success, verdict, authenticated, flags, revision, run_id, boot_id, received_at,
             payload_digest, payload, findings)
        SELECT u.jid, u.minion_id, u.attempt, u.fun, u.retcode, u.success, u.verdict, u.proven, u.flags, u.revision, u.run_id, u.boot_id,
            moment, u.payload_digest, u.payload, u.findings::json
        FROM judged AS u
    )
    SELECT array_agg(s.outcome ORDER BY s.place), array_agg(CASE s.outcome WHEN 'quarantined' THEN 0 ELSE s.attempt END ORDER BY s.place),
        array_agg(s.place ORDER BY s.place) FILTER (WHERE s.outcome = 'quarantined'),
        array_agg(CASE WHEN s.current THEN 'too many different returns of one job' ELSE 'the jid is none, or of no job that is kept' END
                  ORDER BY s.place) FILTER (WHERE s.outcome = 'quarantined'),
        -- Most returns are of minions that converged long ago: one look at their items tells.
        (SELECT array_agg(u.place ORDER BY u.place)
         FROM judged AS u
         CROSS JOIN LATERAL (
            SELECT FROM approval.item AS i
            WHERE i.minion_id = u.minion_id AND i.item_id = ANY (u.item_ids) AND (i.outcome <> 'converged' OR NOT i.before_known)
            LIMIT 1) AS open_item
         WHERE u.proven),
        -- And few of them deviate, did so before, or were missed.
        (SELECT array_agg(p.place ORDER BY p.place)
         FROM (SELECT u.place, u.minion_id, bool_or(u.verdict <> 'converged') OVER (PARTITION BY u.minion_id) AS deviating
               FROM judged AS u WHERE u.proven) AS p
         WHERE p.deviating
            OR EXISTS (SELECT FROM approval.drift AS d WHERE d.minion_id = p.minion_id AND d.cleared_at IS NULL)
            OR EXISTS (SELECT FROM approval.silence AS q WHERE q.minion_id = p.minion_id))
    INTO outcomes, attempts, quarantined, reasons, moving, noting
    FROM sorted AS s;

    FOR n IN 1..coalesce(cardinality(quarantined), 0) LOOP
        PERFORM approval.quarantine_return(p_minions[quarantined[n]], p_jids[quarantined[n]], p_funs[quarantined[n]], reasons[n],
                                           p_payloads[quarantined[n]], moment);
    END LOOP;
    -- All minions before any item, and those before requests, as whoever approves does it.
    IF moving IS NOT NULL THEN
        PERFORM approval.lock_minions(ARRAY(SELECT p_minions[m.place] FROM unnest(moving) AS m (place)));
    END IF;
    -- The second return of a minion finds what the first one left.
    FOR turn IN
        SELECT array_agg(r.place ORDER BY r.place)
        FROM (SELECT m.place, row_number() OVER (PARTITION BY p_minions[m.place] ORDER BY m.place) AS round
              FROM unnest(moving) AS m (place)) AS r
        GROUP BY r.round ORDER BY r.round
    LOOP
        PERFORM approval.apply_returns(
            array_agg(p_jids[m] ORDER BY m), array_agg(p_minions[m] ORDER BY m), array_agg(p_revisions[m] ORDER BY m),
            array_agg(p_findings[m] ORDER BY m), array_agg(p_befores[m] ORDER BY m), moment)
        FROM unnest(turn) AS m;
    END LOOP;
    FOR turn IN
        SELECT array_agg(r.place ORDER BY r.place)
        FROM (SELECT m.place, row_number() OVER (PARTITION BY p_minions[m.place] ORDER BY m.place) AS round
              FROM unnest(noting) AS m (place)) AS r
        GROUP BY r.round ORDER BY r.round
    LOOP
        PERFORM approval.note_drift(
            array_agg(p_jids[m] ORDER BY m), array_agg(p_minions[m] ORDER BY m), array_agg(p_revisions[m] ORDER BY m),
            array_agg(p_findings[m] ORDER BY m), moment)
        FROM unnest(turn) AS m;
    END LOOP;
    RETURN QUERY SELECT o.outcome, o.attempt FROM unnest(outcomes, attempts) AS o (outcome, attempt);
END
$$;
COMMENT ON FUNCTION approval.record_returns(
    text[], text[], text[], bigint[], boolean[], text[], boolean[], bigint[], text[], text[], text[], text[], text[], bytea[], bytea[]) IS
    'Stores validated returns (parallel arrays) and, where evidence is authentic, what they mean for items and requests: as if each '
    'came after those before it, but all in this transaction. Per return, in the order given: recorded, attempt (another payload for '
    'this job and minion), repeat (the same one again: nothing changes), quarantined. p_digests: of the document validated against; '
    'p_findings: see approval.job_return; p_befores: JSON [[kind, name, content], ...] or NULL; p_payloads: msgpack in an LZ4 frame; '
    'p_payload_digests: of what makes two returns the same. Callers without role approval_returner only claim: nothing moves. '
    'Definer: returns are written in no other way.';
