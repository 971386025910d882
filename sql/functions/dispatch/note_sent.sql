CREATE OR REPLACE FUNCTION approval.note_sent(p_minion_id text, p_item_id bigint, p_jid text, p_sent boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    sent approval.dispatch;
BEGIN
    IF NOT p_sent THEN
        -- Nothing reached the minion, so it begins anew.
        DELETE FROM approval.dispatch AS d
        WHERE d.minion_id = p_minion_id AND d.item_id = p_item_id
            AND ((d.state = 'observing' AND d.observe_jid = p_jid) OR (d.state = 'sending' AND d.jid = p_jid));
        UPDATE approval.wave_minion AS w SET ping_jid = NULL, pinged_at = NULL
        WHERE w.minion_id = p_minion_id AND w.ping_jid = p_jid
            AND w.request_id = (SELECT i.request_id FROM approval.item AS i
                                WHERE i.minion_id = p_minion_id AND i.item_id = p_item_id);
        RETURN;
    END IF;
    UPDATE approval.dispatch AS d
    SET state = 'sent', sent_at = d.state_at, state_at = moment, ended_at = CASE WHEN d.proof = 'state' THEN moment END
    WHERE d.minion_id = p_minion_id AND d.item_id = p_item_id AND d.state = 'sending' AND d.jid = p_jid
    RETURNING * INTO sent;
    IF FOUND THEN
        PERFORM approval.audit_append(sent.request_id, moment, 'dispatched', NULL, NULL, NULL,
                                      jsonb_build_object('minion', p_minion_id, 'item', p_item_id, 'jid', p_jid));
    END IF;
END
$$;
COMMENT ON FUNCTION approval.note_sent IS
    'The job of a step was published; or it surely was not, and the item waits again. Definer: tables are private.';
