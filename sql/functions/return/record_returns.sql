CREATE OR REPLACE FUNCTION approval.record_returns(
    p_jids text[], p_minions text[], p_funs text[], p_retcodes bigint[], p_successes boolean[],
    p_verdicts text[], p_authenticated boolean[], p_revisions bigint[], p_digests text[], p_run_ids text[], p_boot_ids text[],
    p_findings text[], p_befores text[], p_payloads bytea[], p_payload_digests bytea[])
    RETURNS TABLE (outcome text, attempt integer)
    -- Every statement finds its rows by a key, for one return as for a thousand. A custom plan would be made for each call. Nor
    -- does a call that waits for a lock, and whose caller may have given up, keep others from the returns of its batch for long.
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    -- Plans that are made while a table is still empty would read it from end to end when it is full.
    SET enable_seqscan = off SET jit = off SET lock_timeout = '2s' AS $$
DECLARE
    -- Of those, of whom nobody knows who sent them; as many again, of the minion itself, find room beside them.
    most_attempts constant integer := 20;
    moment timestamptz := now();
    trusted boolean := pg_has_role(session_user, 'approval_returner', 'MEMBER');
    first_jid text;
    last_jid text;
    oldest text;
    newest text;
    turns bigint[];
    targeted bigint[];
    last_turn integer;
    places bigint[] := ARRAY[]::bigint[];
    outcomes text[] := ARRAY[]::text[];
    attempts integer[] := ARRAY[]::integer[];
    suspicions jsonb := jsonb '{}';
    came_to record;
BEGIN
    -- Auditors read findings as rows, so they must be an array, whoever wrote them.
    IF NOT trusted AND EXISTS (SELECT FROM unnest(p_findings) AS f WHERE jsonb_typeof(f::jsonb) <> 'array') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'findings must be an array';
    END IF;

    -- Two deliveries of one return wait for each other here, so that the second is found to be a repeat.
    IF cardinality(p_jids) = 1 THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_jids[1] || '/' || p_minions[1], 0));
        oldest := p_jids[1];
        newest := p_jids[1];
        turns := ARRAY[1::bigint];
        last_turn := 1;
        SELECT CASE WHEN p_minions[1] = ANY (j.minions) THEN ARRAY[1::bigint] END INTO targeted FROM approval.job AS j
            WHERE j.jid = p_jids[1];
    ELSE
        -- In one order, as batches may share some.
        SELECT min(l.jid), max(l.jid), array_agg(l.turn ORDER BY l.place), max(l.turn)::integer
        INTO oldest, newest, turns, last_turn
        FROM (SELECT g.jid COLLATE "C" AS jid, g.place, hashtextextended(g.jid || '/' || g.minion_id, 0) AS key,
                  row_number() OVER (PARTITION BY g.minion_id ORDER BY g.place) AS turn
              FROM unnest(p_jids, p_minions) WITH ORDINALITY AS g (jid, minion_id, place) ORDER BY 3) AS l
        HAVING count(pg_advisory_xact_lock(l.key)) > 0;
        -- A job of all minions has a long list of them: it is read once for all returns of the job.
        targeted := ARRAY(
            SELECT g.place FROM unnest(p_jids, p_minions) WITH ORDINALITY AS g (jid, minion_id, place)
            WHERE (g.jid, g.minion_id) IN (
                SELECT j.jid, unnest(j.minions)
                FROM (SELECT DISTINCT unnest(p_jids)) AS asked (jid)
                CROSS JOIN LATERAL (
                    SELECT k.jid, k.minions FROM approval.job AS k
                    WHERE k.jid BETWEEN oldest AND newest AND k.jid = asked.jid LIMIT 1) AS j
                INTERSECT SELECT o.jid, o.minion_id FROM unnest(p_jids, p_minions) AS o (jid, minion_id)));
    END IF;
    SELECT k.first_jid, k.last_jid INTO first_jid, last_jid FROM approval.kept_jids(moment) AS k;

    -- A turn takes one return of each minion, since the next one of the same minion finds what this one left.
    FOR this_turn IN 1..last_turn LOOP
        -- LIMIT, so that each is looked up by its key: else the planner, which takes arrays for ten rows and a day's new partition
        -- for empty, would read whole tables. The bounds by the oldest and the newest jid say which partitions to leave alone.
        WITH given AS MATERIALIZED (
            SELECT t.place, p_jids[t.place] AS jid, p_minions[t.place] AS minion_id, p_revisions[t.place] AS revision,
                p_run_ids[t.place] AS run_id, p_payload_digests[t.place] AS payload_digest,
                p_authenticated[t.place] AND trusted AS proof,
                approval.jid_is_current(p_jids[t.place], first_jid, last_jid) AS current
            FROM unnest(turns) WITH ORDINALITY AS t (turn, place)
            WHERE t.turn = this_turn
        ), sorted AS MATERIALIZED (
            SELECT g.*, coalesce(kept.same_attempt, kept.last_attempt + 1, 1) AS attempt,
                CASE WHEN NOT g.current THEN 'quarantined'
                     WHEN kept.same_attempt IS NOT NULL THEN 'repeat'
                     WHEN kept.last_attempt >= most_attempts
                         AND (NOT g.proof OR kept.last_attempt >= 2 * most_attempts OR EXISTS (
                             SELECT FROM approval.seen_run AS n
                             WHERE n.minion_id = g.minion_id AND n.run_id = g.run_id)) THEN 'quarantined'
                     WHEN kept.last_attempt IS NULL THEN 'recorded'
                     ELSE 'attempt' END AS outcome
            FROM given AS g
            CROSS JOIN LATERAL (
                SELECT max(r.attempt) AS last_attempt,
                    min(r.attempt) FILTER (WHERE r.payload_digest = g.payload_digest) AS same_attempt
                FROM approval.job_return AS r
                WHERE r.jid BETWEEN oldest AND newest AND r.jid = g.jid AND r.minion_id = g.minion_id AND r.attempt > 0) AS kept
        ), judged AS MATERIALIZED (
            SELECT s.*, judgement.*
            FROM sorted AS s
            LEFT JOIN LATERAL (
                SELECT j.published_at FROM approval.job AS j
                WHERE j.jid BETWEEN oldest AND newest AND j.jid = s.jid LIMIT 1) AS job ON true
            CROSS JOIN LATERAL approval.return_judgement(
                s.minion_id, s.revision, p_digests[s.place], s.run_id, p_verdicts[s.place], p_findings[s.place],
                p_authenticated[s.place], trusted, job.published_at, s.place = ANY (targeted), moment) AS judgement
            WHERE s.outcome IN ('recorded', 'attempt')
        ), stored AS (
            INSERT INTO approval.job_return
                (jid, minion_id, attempt, fun, retcode, success, verdict, authenticated, flags, revision, run_id,
                 boot_id, received_at, payload_digest, payload, findings)
            SELECT u.jid, u.minion_id, u.attempt, p_funs[u.place], p_retcodes[u.place], p_successes[u.place], p_verdicts[u.place],
                u.is_proven, u.flags, u.revision, u.run_id, p_boot_ids[u.place], moment, u.payload_digest, p_payloads[u.place],
                p_findings[u.place]::json
            FROM judged AS u
            RETURNING verdict
        ), noted AS (
            -- In one order, as two calls may bring the same runs under other jobs.
            INSERT INTO approval.seen_run (minion_id, run_id, jid)
            SELECT u.minion_id, u.run_id, u.jid FROM judged AS u WHERE u.is_proven AND u.run_id IS NOT NULL
            ORDER BY u.minion_id, u.run_id
            ON CONFLICT (minion_id, run_id) DO UPDATE SET jid = greatest(seen_run.jid, excluded.jid)
        )
        SELECT array_agg(s.place) AS places, array_agg(s.outcome) AS outcomes,
            array_agg(CASE s.outcome WHEN 'quarantined' THEN 0 ELSE s.attempt END) AS attempts,
            (SELECT count(nextval(approval.return_counter(k.verdict))) FROM stored AS k) AS counted,
            array_agg(s.place) FILTER (WHERE s.outcome = 'quarantined' AND NOT s.current) AS misdated,
            array_agg(s.place) FILTER (WHERE s.outcome = 'quarantined' AND s.current) AS excessive,
            (SELECT array_agg(u.place) FROM judged AS u WHERE u.is_moving) AS moving,
            (SELECT array_agg(u.place) FROM judged AS u WHERE u.is_noting) AS noting,
            (SELECT jsonb_object_agg(u.place, u.suspicion) FROM judged AS u WHERE u.suspicion IS NOT NULL) AS suspicious
        INTO came_to FROM sorted AS s;
        places := places || came_to.places;
        outcomes := outcomes || came_to.outcomes;
        attempts := attempts || came_to.attempts;
        suspicions := suspicions || coalesce(came_to.suspicious, '{}');
        IF came_to.misdated IS NOT NULL OR came_to.excessive IS NOT NULL THEN
            PERFORM approval.quarantine_return(
                p_minions[q.place], p_jids[q.place], p_funs[q.place], q.reason, p_payloads[q.place], moment)
            FROM (SELECT unnest(came_to.misdated) AS place, 'the jid is none, or of no job that is kept' AS reason
                  UNION ALL SELECT unnest(came_to.excessive), 'too many different returns of one job') AS q;
            suspicions := suspicions || (
                SELECT jsonb_object_agg(q.place, q.suspicion)
                FROM (SELECT unnest(came_to.misdated) AS place, 'misdated' AS suspicion
                      UNION ALL SELECT unnest(came_to.excessive), 'excessive') AS q);
        END IF;
        IF came_to.moving IS NOT NULL THEN
            -- Minions before their items, and those before requests, as whoever approves does it; so also those of later turns.
            PERFORM approval.lock_minions(ARRAY(
                SELECT p_minions[m] FROM unnest(came_to.moving) AS m
                UNION SELECT p_minions[t.place] FROM unnest(turns) WITH ORDINALITY AS t (turn, place) WHERE t.turn > this_turn));
            PERFORM approval.apply_returns(
                array_agg(p_jids[m]), array_agg(p_minions[m]), array_agg(p_revisions[m]), array_agg(p_findings[m]),
                array_agg(p_befores[m]), moment)
            FROM unnest(came_to.moving) AS m;
        END IF;
        IF came_to.noting IS NOT NULL THEN
            PERFORM approval.note_drift(
                array_agg(p_jids[m]), array_agg(p_minions[m]), array_agg(p_revisions[m]), array_agg(p_findings[m]), moment)
            FROM unnest(came_to.noting) AS m;
        END IF;
    END LOOP;
    IF suspicions <> '{}' THEN
        PERFORM approval.alarms_of_returns(p_jids, p_minions, p_funs, suspicions, moment);
    END IF;
    RETURN QUERY SELECT o.outcome, o.attempt FROM unnest(places, outcomes, attempts) AS o (place, outcome, attempt)
        ORDER BY o.place;
END
$$;
COMMENT ON FUNCTION approval.record_returns IS
    'Stores validated returns (parallel arrays) and, where evidence is authentic, what they mean for items and requests: as if '
    'each came after those before it, but all at this transaction''s time. Per return, in the order given: recorded, attempt '
    '(another payload for this job and minion), repeat (the same one again: nothing changes), quarantined. p_digests: of the '
    'document validated against; p_findings: see approval.job_return; p_befores: JSON [[kind, name, content], ...] or NULL; '
    'p_payloads: msgpack in an LZ4 frame; p_payload_digests: of what makes two returns the same. Callers without role '
    'approval_returner only claim: nothing moves. Definer: returns are written in no other way.';
