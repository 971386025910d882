CREATE OR REPLACE FUNCTION approval.note_sent(
    p_request_id bigint, p_minions text[], p_items bigint[], p_jid text, p_sent boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    sent record;
BEGIN
    -- Rows are found by the minions' keys: a request may have a hundred thousand of them, a job ten thousand, and there may be no
    -- statistics yet. So no condition on either is one that an index could serve.
    IF NOT p_sent THEN
        -- Nothing reached these minions, so they begin anew.
        DELETE FROM approval.dispatch AS d USING unnest(p_minions, p_items) AS g (minion_id, item_id)
        WHERE d.minion_id = g.minion_id AND d.item_id = g.item_id AND d.request_id IS NOT DISTINCT FROM p_request_id
            AND ((d.state = 'observing' AND d.observe_jid = p_jid) OR (d.state = 'sending' AND d.jid = p_jid)) IS TRUE;
        UPDATE approval.wave_minion AS w SET ping_jid = NULL, pinged_at = NULL
        WHERE w.request_id = p_request_id AND w.minion_id = ANY (p_minions) AND w.ping_jid = p_jid;
        RETURN;
    END IF;
    WITH changed AS (
        UPDATE approval.dispatch AS d
        SET state = 'sent', sent_at = d.state_at, state_at = moment, ended_at = CASE WHEN d.proof = 'state' THEN moment END
        FROM unnest(p_minions, p_items) AS g (minion_id, item_id)
        WHERE d.minion_id = g.minion_id AND d.item_id = g.item_id AND d.request_id IS NOT DISTINCT FROM p_request_id
            AND (d.state = 'sending' AND d.jid = p_jid) IS TRUE
        RETURNING d.minion_id, d.item_id
    )
    SELECT jsonb_agg(minion_id ORDER BY minion_id, item_id) AS minions, jsonb_agg(item_id ORDER BY minion_id, item_id) AS items
    INTO sent FROM changed;
    IF sent.minions IS NOT NULL THEN
        PERFORM approval.audit_append(p_request_id, moment, 'dispatched', NULL, NULL, NULL,
                                      jsonb_build_object('jid', p_jid, 'minions', sent.minions, 'items', sent.items));
    END IF;
END
$$;
COMMENT ON FUNCTION approval.note_sent IS
    'The job of a step was published to these minions of a request, given with their items as pairs; or it surely was not, and the '
    'items wait again. The trail gets one act, with the minions and items in the same order. Definer: tables are private.';
