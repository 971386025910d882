CREATE OR REPLACE FUNCTION approval.catch_up_text(p_catch_up approval.catch_up) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE coalesce(p_catch_up.outcome, p_catch_up.state)
    WHEN 'waiting' THEN 'it waits for its turn, ' || approval.when_text(p_catch_up.due_at) || ' at the soonest'
    WHEN 'asked' THEN 'it is asked whether it is there, job ' || p_catch_up.observe_jid
    WHEN 'answered' THEN 'it is there'
    WHEN 'sending' THEN format('job %s is about to be sent', p_catch_up.jid)
    WHEN 'sent' THEN format('job %s was sent, no answer yet', p_catch_up.jid)
    WHEN 'in-line' THEN 'it was in line by then'
    WHEN 'dispatched' THEN 'a request was sent to it, which brought all'
    WHEN 'repeated' THEN 'this boot had its state run for this revision'
    WHEN 'absent' THEN 'it did not answer'
    WHEN 'unreached' THEN 'no master with its key told it within a day'
    WHEN 'returned' THEN format('it returned from job %s', p_catch_up.jid)
    WHEN 'silent' THEN format('it did not return from job %s in time', p_catch_up.jid) END
$$;
COMMENT ON FUNCTION approval.catch_up_text IS
    'Internal: how far the catching up of a minion has come, or how it ended, for people.';
