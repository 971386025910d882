CREATE OR REPLACE FUNCTION approval.judge_waves(p_request_id bigint, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    answer_within constant interval := interval '30 seconds';
    kind approval.request_type;
    absent record;
BEGIN
    SELECT t.* INTO STRICT kind FROM approval.request_type AS t JOIN approval.request AS r USING (type_name, type_version)
    WHERE r.request_id = p_request_id;
    UPDATE approval.wave_minion AS w
    SET present_at = CASE WHEN answer.jid IS NOT NULL THEN p_now END, verdict = CASE WHEN answer.jid IS NULL THEN 'absent' END,
        absent_at = CASE WHEN answer.jid IS NULL THEN p_now ELSE w.absent_at END
    FROM (SELECT * FROM approval.wave_minion AS o
          WHERE o.request_id = p_request_id AND o.opened_at IS NOT NULL AND (o.verdict IS NULL OR o.verdict = 'absent')
              AND o.present_at IS NULL AND o.pinged_at IS NOT NULL) AS asked
    LEFT JOIN LATERAL (
        SELECT r.jid FROM approval.job_return AS r
        WHERE r.jid = asked.ping_jid AND r.minion_id = asked.minion_id LIMIT 1) AS answer ON true
    WHERE w.request_id = p_request_id AND w.minion_id = asked.minion_id
        AND (answer.jid IS NOT NULL OR (asked.verdict IS NULL AND asked.pinged_at + answer_within <= p_now));
    -- A state is applied when the minion starts. An action is done at its time or, unless its type says late, not at all.
    IF kind.kind = 'action' AND NOT coalesce((kind.definition -> 'late')::boolean, false) THEN
        FOR absent IN
            SELECT i.minion_id, i.item_id FROM approval.wave_minion AS w JOIN approval.item AS i USING (request_id, minion_id)
            WHERE w.request_id = p_request_id AND w.opened_at IS NOT NULL AND w.verdict = 'absent' AND i.state = 'approved'
                AND i.outcome = 'waiting'
            ORDER BY i.minion_id, i.item_id
        LOOP
            INSERT INTO approval.dispatch AS d (minion_id, item_id, request_id, proof, proof_within, state, state_at, ended_at)
            VALUES (absent.minion_id, absent.item_id, p_request_id, approval.proof_of(kind), approval.proof_within(kind), 'unsent',
                    p_now, p_now)
            ON CONFLICT ON CONSTRAINT dispatch_pkey DO NOTHING;
            PERFORM approval.end_dispatch(absent.minion_id, absent.item_id, 'unsent', NULL,
                'not sent: the minion did not answer when it was its turn', p_now);
        END LOOP;
    END IF;
    UPDATE approval.wave_minion AS w SET verdict = judged.verdict
    FROM (
        SELECT o.minion_id, CASE
            WHEN NOT i.is_left THEN 'gone'
            WHEN i.is_proven THEN 'converged'
            WHEN (o.verdict = 'absent' AND d.jid IS NULL) OR (o.absent_at IS NOT NULL AND d.state = 'unsent') THEN 'absent'
            WHEN d.state = 'silent' OR (d.state = 'unsent' AND d.observe_jid IS NOT NULL) THEN 'silent'
            WHEN d.state = 'unsent' THEN 'gone'
            WHEN i.has_failed THEN 'failed'
            WHEN d.proof = 'state' AND d.state = 'sent' AND d.sent_at + d.proof_within <= p_now THEN 'silent' END AS verdict
        FROM approval.wave_minion AS o
        JOIN approval.request AS r USING (request_id)
        CROSS JOIN LATERAL (
            SELECT count(*) > 0 AS is_left, bool_and(e.outcome = 'converged') AS is_proven,
                bool_or(e.outcome IN ('failed', 'drift')) AS has_failed
            FROM approval.item AS e
            WHERE e.request_id = o.request_id AND e.item_set_version = r.item_set_version AND e.minion_id = o.minion_id
                -- Of what was applied it stays true that it was.
                AND (e.state = 'approved' OR e.outcome = 'converged')) AS i
        LEFT JOIN LATERAL (
            -- By the minion's key: a request may have a hundred thousand of them.
            SELECT n.* FROM (SELECT * FROM approval.dispatch AS own WHERE own.minion_id = o.minion_id OFFSET 0) AS n
            WHERE n.request_id = o.request_id
            ORDER BY n.ended_at DESC NULLS FIRST LIMIT 1) AS d ON true
        WHERE o.request_id = p_request_id AND o.opened_at IS NOT NULL
            AND (o.verdict IS NULL OR o.verdict IN ('failed', 'silent', 'absent'))) AS judged
    WHERE w.request_id = p_request_id AND w.minion_id = judged.minion_id AND w.verdict IS DISTINCT FROM judged.verdict;
END
$$;
COMMENT ON FUNCTION approval.judge_waves IS
    'Internal: brings the verdicts on minions of open waves in line with what they answered and proved. The caller holds the '
    'request''s lock.';
