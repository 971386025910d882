CREATE OR REPLACE FUNCTION approval.in_flight(p_minion_id text, p_now timestamptz) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM approval.dispatch AS d
    WHERE d.minion_id = p_minion_id AND CASE
        WHEN d.state = 'sending' THEN true
        WHEN d.state <> 'sent' THEN false
        WHEN d.proof <> 'state' THEN true
        -- Nobody awaits a state's proof: the minion is done with it when it returned, however that went.
        ELSE d.sent_at + d.proof_within > p_now AND NOT EXISTS (
            SELECT FROM approval.job_return AS r WHERE r.jid = d.jid AND r.minion_id = d.minion_id) END)
    OR EXISTS (SELECT FROM approval.catch_up AS c WHERE c.minion_id = p_minion_id AND c.state IN ('sending', 'sent'))
$$;
COMMENT ON FUNCTION approval.in_flight IS
    'Internal: something was sent to the minion, or is being sent, and it is not known yet to be over: it has not returned or, '
    'told to reboot, not started again, and its time for that is not over.';
