CREATE OR REPLACE FUNCTION approval.resume_all(p_provider text, p_subject text, p_comment text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    moment timestamptz := clock_timestamp();
    lifted approval.sending_pause;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    IF coalesce(p_comment, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'letting all sending go on needs a comment that says why';
    END IF;
    -- Those who let rollouts go on; where no type has a rollout, those who give the last approvals.
    PERFORM approval.check_resume('the pause of all sending', actor.principal_id, actor.name, actor.assurance,
                                  array_agg(able.group_name), array_agg(able.min_assurance), NULL, NULL, moment)
    FROM (
        SELECT t.definition #>> '{rollout,resume,group}' AS group_name,
            coalesce(t.definition #>> '{rollout,resume,min_assurance}', 'asserted') AS min_assurance
        FROM approval.newest_type AS t WHERE t.definition #> '{rollout,resume}' IS NOT NULL
        UNION
        SELECT q.group_name, s.min_assurance
        FROM approval.newest_type AS t
        JOIN LATERAL (SELECT * FROM approval.request_type_stage AS every
                      WHERE every.type_name = t.type_name AND every.type_version = t.type_version
                      ORDER BY every.stage_no DESC LIMIT 1) AS s ON true
        JOIN approval.request_type_quorum AS q
            ON q.type_name = s.type_name AND q.type_version = s.type_version AND q.stage_no = s.stage_no
        WHERE t.definition #> '{rollout,resume}' IS NULL
            AND (t.definition ? 'rollout'
                 OR NOT EXISTS (SELECT FROM approval.newest_type AS other WHERE other.definition ? 'rollout'))) AS able;
    DELETE FROM approval.sending_pause RETURNING * INTO lifted;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = 'sending is not paused';
    END IF;
    UPDATE approval.rollout SET look_at = moment WHERE state = 'running';
    UPDATE approval.outbox SET due_at = least(due_at, moment) WHERE destination = 'salt' AND state = 'waiting' AND attempts = 0
        AND due_at < moment + interval '1 hour';
    NOTIFY approval_outbox;
    PERFORM approval.audit_append(0, moment, 'sending-resumed', actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('comment', p_comment, 'paused_by', lifted.paused_by,
                                                     'paused_at', lifted.paused_at));
END
$$;
COMMENT ON FUNCTION approval.resume_all IS
    'Ends the pause of all sending; recorded. By a member of a group that lets rollouts go on (a type''s rollout.resume, else the '
    'approvers of its last stage), or stands in for one. Raises AP001, AP002, AP005, AP006, AP008, AP009. Definer: tables are '
    'private.';
