CREATE OR REPLACE FUNCTION approval.expire_due(p_now timestamptz DEFAULT now()) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    due record;
    done integer := 0;
    moment timestamptz := least(p_now, now());
    minions text[];
BEGIN
    FOR due IN
        SELECT r.request_id, s.stage_no, s.name, s.escalate_to, r.expires_at <= moment AS expired
        FROM approval.request AS r
        LEFT JOIN LATERAL approval.current_stage(r.request_id) AS s ON true
        WHERE r.state = 'pending' AND (r.expires_at <= moment OR s.started_at + s.timeout <= moment)
        ORDER BY r.request_id
        FOR NO KEY UPDATE OF r SKIP LOCKED
    LOOP
        IF due.expired THEN
            PERFORM approval.close_pending(due.request_id, 'expired', moment);
            PERFORM approval.audit_append(due.request_id, moment, 'expired', NULL, NULL, NULL, '{}');
        ELSIF due.escalate_to IS NULL THEN
            PERFORM approval.close_pending(due.request_id, 'rejected', moment);
            PERFORM approval.audit_append(due.request_id, moment, 'timed-out', NULL, NULL, NULL,
                                          jsonb_build_object('stage', due.stage_no, 'stage_name', due.name));
        ELSE
            -- The other groups may still pass it; the timeout does not run again.
            INSERT INTO approval.request_quorum VALUES (due.request_id, due.stage_no, due.escalate_to, 1) ON CONFLICT DO NOTHING;
            UPDATE approval.request_stage SET timeout = NULL WHERE request_id = due.request_id AND stage_no = due.stage_no;
            PERFORM approval.audit_append(due.request_id, moment, 'escalated', NULL, NULL, NULL,
                jsonb_build_object('stage', due.stage_no, 'stage_name', due.name, 'to', due.escalate_to));
        END IF;
        done := done + 1;
    END LOOP;

    -- Items that an approval no longer covers leave the documents by themselves at their time; here they are put away.
    FOR due IN
        SELECT i.request_id, array_agg(DISTINCT i.minion_id) AS minions FROM approval.item AS i
        WHERE i.state = 'approved' AND i.expires_at IS NOT NULL AND i.expires_at <= moment GROUP BY i.request_id
            ORDER BY i.request_id
    LOOP
        PERFORM approval.lock_request(due.request_id);
        PERFORM approval.lock_minions(due.minions);
        UPDATE approval.item SET state = 'expired'
        WHERE request_id = due.request_id AND state = 'approved' AND expires_at <= moment;
        PERFORM approval.audit_append(due.request_id, moment, 'approval-ended', NULL, NULL, NULL,
                                      jsonb_build_object('minions', cardinality(due.minions)));
        PERFORM approval.settle_request(due.request_id, moment);
        done := done + 1;
    END LOOP;

    -- Documents reach only so many openings of a calendar ahead.
    SELECT array_agg(DISTINCT i.minion_id) INTO minions
    FROM approval.item AS i
    JOIN approval.request AS r USING (request_id)
    JOIN approval.request_type AS t USING (type_name, type_version)
    WHERE i.state = 'approved' AND i.outcome <> 'converged' AND i.effective_at <= moment AND t.calendar_name IS NOT NULL
        AND r.break_glass_at IS NULL
        AND EXISTS (SELECT FROM approval.calendar_span AS s WHERE s.calendar_name = t.calendar_name AND s.ends_at > moment)
        AND NOT EXISTS (SELECT FROM approval.document AS d WHERE d.minion_id = i.minion_id AND d.valid_from > moment);
    IF minions IS NOT NULL THEN
        PERFORM approval.refresh_documents(minions);
        done := done + 1;
    END IF;
    RETURN done;
END
$$;
COMMENT ON FUNCTION approval.expire_due IS
    'Does what only time brings: expires requests, times stages out (reject or escalate), puts away approvals that ran out, and '
    'writes documents further ahead; gives how many things it did. Harmless to call at any time; p_now later than the present '
    'counts as the present. Definer: callers may not write otherwise.';
