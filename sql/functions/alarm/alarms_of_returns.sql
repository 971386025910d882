CREATE OR REPLACE FUNCTION approval.alarms_of_returns(
    p_jids text[], p_minions text[], p_funs text[], p_suspicions jsonb, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    seen record;
BEGIN
    FOR seen IN
        SELECT s.suspicion, known.minion_id, min(p_jids[s.place]) AS jid, min(p_funs[s.place]) AS fun, count(*)::integer AS times,
            min(j.job_user) AS job_user, min(p_minions[s.place]) AS claimed_id
        FROM (SELECT e.key::bigint AS place, e.value AS suspicion FROM jsonb_each_text(p_suspicions) AS e) AS s
        LEFT JOIN approval.minion AS known ON known.minion_id = p_minions[s.place]
        LEFT JOIN approval.job AS j ON j.jid = p_jids[s.place] AND NOT j.claimed
        -- Salt publishes to whom it likes, also jobs whose minions it does not tell, or that have an id of somebody's own.
        WHERE NOT (s.suspicion = 'untargeted' AND coalesce(j.minions, '{}') = '{}')
            AND NOT (s.suspicion = 'misdated' AND coalesce(p_minions[s.place] = ANY (j.minions), false))
        GROUP BY s.suspicion, known.minion_id
        ORDER BY known.minion_id COLLATE "C", s.suspicion
    LOOP
        IF seen.suspicion = 'running' THEN
            PERFORM approval.raise_alarm(
                'overlapping-run', ARRAY(SELECT seen.minion_id WHERE seen.minion_id IS NOT NULL),
                concat_ws(' ', seen.fun, seen.job_user), NULL, jsonb_build_object(
                    'who', seen.job_user, 'jid', seen.jid,
                    'what', format('%s was refused, as another state run was under way', seen.fun)), p_now, seen.times);
        ELSE
            PERFORM approval.raise_alarm(
                'forged-return', ARRAY(SELECT seen.minion_id WHERE seen.minion_id IS NOT NULL), seen.suspicion, NULL,
                jsonb_build_object(
                    'jid', seen.jid, 'alike', coalesce(seen.minion_id, ''), 'what', CASE seen.suspicion
                        WHEN 'replayed' THEN 'a return came with evidence that had come before'
                        WHEN 'forged' THEN 'a return came with evidence that is not signed for this minion and revision'
                        WHEN 'claim' THEN 'a login of minions brought evidence, which is no more than a claim'
                        WHEN 'untargeted' THEN 'a return came for a job that was sent to others'
                        WHEN 'misdated' THEN 'a return came for what is no job, or none that is kept'
                        ELSE 'too many different returns came for one job' END
                    || CASE WHEN seen.minion_id IS NULL
                           THEN format(', in the name of %s, which is no known minion', quote_literal(left(seen.claimed_id, 100)))
                           ELSE '' END), p_now, seen.times);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION approval.alarms_of_returns IS
    'Internal: raises alarms about returns that are suspicious, by p_suspicions {place in the arrays: suspicion}: running (refused '
    'as another state run was under way), or replayed, forged, claim, untargeted, misdated, excessive. For the arrays see '
    'record_returns.';
