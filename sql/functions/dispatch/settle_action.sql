CREATE OR REPLACE FUNCTION approval.settle_action(
    p_minion_id text, p_item_id bigint, p_jid text, p_success boolean, p_observed text, p_reason text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    number bigint;
    held approval.dispatch;
BEGIN
    SELECT d.request_id INTO number FROM approval.dispatch AS d WHERE d.minion_id = p_minion_id AND d.item_id = p_item_id;
    PERFORM FROM approval.request AS r WHERE r.request_id = number FOR NO KEY UPDATE;
    SELECT * INTO held FROM approval.dispatch AS d
    WHERE d.minion_id = p_minion_id AND d.item_id = p_item_id AND d.jid = p_jid AND d.state IN ('sending', 'sent', 'silent')
        AND d.proof <> 'state' FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('no action of %s waits for a return of job %s', p_minion_id, p_jid);
    END IF;
    IF NOT EXISTS (SELECT FROM approval.job_return AS r
                   WHERE r.jid = p_jid AND r.minion_id = p_minion_id AND r.authenticated) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002', MESSAGE = format('%s has not authentically returned job %s', p_minion_id, p_jid);
    END IF;
    IF p_success AND held.proof = 'reboot' THEN
        -- The return only promises the reboot; the next boot id proves it.
        UPDATE approval.dispatch AS d SET returned_at = moment, sent_at = coalesce(d.sent_at, d.state_at),
            state = CASE WHEN d.state = 'sending' THEN 'sent' ELSE d.state END
        WHERE d.minion_id = p_minion_id AND d.item_id = p_item_id;
        RETURN 'sent';
    END IF;
    UPDATE approval.dispatch AS d SET returned_at = moment WHERE d.minion_id = p_minion_id AND d.item_id = p_item_id;
    PERFORM approval.end_dispatch(p_minion_id, p_item_id, CASE WHEN p_success THEN 'proven' ELSE 'refuted' END, p_observed,
        p_reason, moment);
    RETURN CASE WHEN p_success THEN 'proven' ELSE 'refuted' END;
END
$$;
COMMENT ON FUNCTION approval.settle_action IS
    'Says what the return of an action''s job shows, once: proven or refuted; a reboot that the minion accepted stays sent. Raises '
    'AP006 unless the action waits for that job, AP002 unless the minion returned it authentically. Definer: tables are private.';
