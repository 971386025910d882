CREATE OR REPLACE FUNCTION approval.advance_rollout(p_request_id bigint) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    moment timestamptz;
    held approval.rollout;
    waiting bigint;
    due approval.wave;
    proven bigint;
    away bigint;
    failures bigint;
    because text;
    next_look timestamptz;
BEGIN
    IF NOT EXISTS (SELECT FROM approval.rollout AS o WHERE o.request_id = p_request_id) THEN
        RETURN NULL;
    END IF;
    PERFORM approval.lock_request(p_request_id);
    moment := clock_timestamp();
    PERFORM approval.judge_waves(p_request_id, moment);
    SELECT * INTO STRICT held FROM approval.rollout AS o WHERE o.request_id = p_request_id;
    SELECT count(*) INTO waiting FROM approval.wave_minion AS w
    WHERE w.request_id = p_request_id AND w.opened_at IS NOT NULL AND w.verdict IS NULL;
    -- Many minions are looked at less often, so that looking costs little.
    next_look := moment + make_interval(secs => least(2 + waiting / 2000, 30));
    IF held.state = 'running' THEN
        SELECT count(*) INTO failures FROM approval.rollout_failures(p_request_id);
        -- The wave that is open, if one is; else the next one.
        SELECT * INTO due FROM approval.wave AS w WHERE w.request_id = p_request_id AND w.settled_at IS NULL
        ORDER BY w.wave_no LIMIT 1;
        IF failures - held.accepted_failures > held.max_failures THEN
            because := format('%s failed, where %s may', approval.counted(failures, 'minion'),
                              held.max_failures + held.accepted_failures);
        ELSIF due.opened_at IS NOT NULL AND waiting = 0 THEN
            SELECT count(*) FILTER (WHERE w.verdict = 'converged'), count(*) FILTER (WHERE w.verdict = 'absent')
            INTO proven, away FROM approval.wave_minion AS w WHERE w.request_id = p_request_id AND w.wave_no = due.wave_no;
            IF proven = 0 AND away > 0 THEN
                because := format('wave %s proved nothing: %s of it did not answer', due.wave_no, approval.counted(away, 'minion'));
            END IF;
            UPDATE approval.wave SET settled_at = moment WHERE request_id = p_request_id AND wave_no = due.wave_no;
            next_look := moment + held.soak;
        ELSIF due.wave_no IS NULL THEN
            -- The last wave soaks too: a fault that shows then is still told as one of the rollout.
            IF NOT EXISTS (SELECT FROM approval.wave AS w
                           WHERE w.request_id = p_request_id AND w.settled_at + held.soak > moment) THEN
                UPDATE approval.rollout SET state = 'done' WHERE request_id = p_request_id;
                PERFORM approval.audit_append(p_request_id, moment, 'rollout-done', NULL, NULL, NULL, '{}');
                next_look := NULL;
            END IF;
        ELSIF due.opened_at IS NULL AND waiting = 0 THEN
            next_look := approval.wave_due(p_request_id, due.wave_no, moment);
            IF next_look <= moment THEN
                PERFORM approval.open_wave(p_request_id, due.wave_no, moment);
                PERFORM approval.audit_append(p_request_id, moment, 'wave-opened', NULL, NULL, NULL,
                                              jsonb_build_object('wave', due.wave_no, 'minions', due.minions));
                next_look := moment + interval '1 second';
            END IF;
        END IF;
        IF because IS NOT NULL THEN
            PERFORM approval.halt_rollout(p_request_id, because, moment);
        END IF;
    ELSIF waiting = 0 THEN
        next_look := moment + interval '5 minutes';
    END IF;
    UPDATE approval.rollout AS o SET look_at = coalesce(next_look, 'infinity') WHERE o.request_id = p_request_id
    RETURNING o.state INTO held.state;
    RETURN held.state;
END
$$;
COMMENT ON FUNCTION approval.advance_rollout IS
    'Brings a rollout on, as far as verdicts, soak, time and failures let it: judges, settles and opens waves, halts, ends. Gives '
    'its state after; NULL: the request has no rollout. Any master may call it, at any time. Definer: tables are private.';
