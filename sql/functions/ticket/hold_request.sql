CREATE OR REPLACE FUNCTION approval.hold_request(p_request_id bigint, p_cause text, p_reason text, p_now timestamptz)
    RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target record;
    minions text[];
BEGIN
    SELECT t.*, k.key, r.closed_at INTO STRICT target
    FROM approval.ticket_request AS t
    JOIN approval.ticket AS k USING (provider, ticket_id)
    JOIN approval.request AS r USING (request_id)
    WHERE t.request_id = p_request_id;
    IF target.closed_at IS NOT NULL THEN
        RETURN false;
    END IF;
    INSERT INTO approval.ticket_hold AS h (request_id, cause, reason, held_at) VALUES (p_request_id, p_cause, p_reason, p_now)
    ON CONFLICT (request_id) DO UPDATE SET cause = excluded.cause, reason = excluded.reason WHERE h.cause <> excluded.cause;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    minions := ARRAY(SELECT DISTINCT i.minion_id FROM approval.item AS i
                     WHERE i.request_id = p_request_id AND i.state = 'approved' AND i.applied_at IS NULL);
    PERFORM approval.audit_append(p_request_id, p_now, 'ticket-held', NULL, NULL, NULL, jsonb_build_object(
        'provider', target.provider, 'ticket', target.ticket_id, 'cause', p_cause, 'reason', p_reason));
    PERFORM approval.raise_alarm(CASE p_cause WHEN 'gone' THEN 'ticket-gone' ELSE 'ticket-held' END, minions,
        'request/' || p_request_id, p_request_id,
        jsonb_build_object('what', format('ticket %s of %s: %s', target.key, target.provider, p_reason)), p_now);
    PERFORM approval.refresh_documents(minions);
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.hold_request IS
    'Internal: from now on nothing of an open request of a ticket takes effect or is sent that has not been applied, whatever '
    'windows say, until approval.release_request; with an alarm. p_cause is edited or gone. Gives whether that was news. The '
    'caller holds the request''s lock.';
