CREATE OR REPLACE FUNCTION approval.end_dispatch(
    p_minion_id text, p_item_id bigint, p_state text, p_observed text, p_reason text, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ended approval.dispatch;
BEGIN
    UPDATE approval.dispatch AS d
    SET state = p_state, state_at = p_now, ended_at = p_now, reason = p_reason,
        sent_at = CASE WHEN p_state <> 'unsent' THEN d.sent_at END
    WHERE d.minion_id = p_minion_id AND d.item_id = p_item_id
    RETURNING * INTO ended;
    UPDATE approval.item AS i
    SET outcome = CASE WHEN p_state = 'proven' THEN 'converged' ELSE 'failed' END,
        applied_at = CASE WHEN p_state = 'proven' THEN p_now END,
        observed = p_observed, outcome_text = p_reason, outcome_jid = ended.jid
    WHERE i.minion_id = p_minion_id AND i.item_id = p_item_id AND i.kind = 'action' AND i.outcome <> 'converged'
        AND i.state = 'approved';
    PERFORM approval.audit_append(ended.request_id, p_now, 'dispatch-' || p_state, NULL, NULL, NULL,
                                  jsonb_build_object('minion', p_minion_id, 'item', p_item_id, 'jid', ended.jid,
                                                     'because', CASE
                                                         -- A function may repeat what it was given.
                                                         WHEN approval.is_sensitive('action', (
                                                             SELECT i.name FROM approval.item AS i
                                                             WHERE i.minion_id = p_minion_id AND i.item_id = p_item_id
                                                                 AND i.kind = 'action')) THEN '•••'
                                                         ELSE p_reason END,
                                                     'finding', CASE WHEN p_state = 'silent' THEN 'no-return' END));
    PERFORM approval.settle_request(ended.request_id, p_now);
END
$$;
COMMENT ON FUNCTION approval.end_dispatch IS
    'Internal: a dispatch has come to proven, refuted, silent or unsent; its item and request follow, and it is recorded. The '
    'caller holds the request''s lock.';
