CREATE OR REPLACE FUNCTION approval.raise_alarm(
    p_kind text, p_minions text[], p_cause text, p_request_id bigint, p_body jsonb, p_now timestamptz, p_times integer DEFAULT 1)
    RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named constant integer := 100;
    -- One minion alone cannot fill the table while nobody takes anything out of it.
    most_waiting constant integer := 1000;
    rule approval.current_alarm_rule;
    concerned text[] := p_minions;
BEGIN
    SELECT * INTO STRICT rule FROM approval.current_alarm_rule WHERE kind = p_kind;
    IF NOT rule.enabled THEN
        RETURN false;
    END IF;
    IF cardinality(rule.muted_groups) > 0 AND cardinality(p_minions) > 0 THEN
        concerned := ARRAY(
            SELECT g.minion_id FROM unnest(p_minions) WITH ORDINALITY AS g (minion_id, place)
            WHERE NOT EXISTS (SELECT FROM approval.minion_group_member AS m
                              WHERE m.minion_id = g.minion_id AND m.group_name = ANY (rule.muted_groups))
            ORDER BY g.place);
        IF concerned = '{}' THEN
            RETURN false;
        END IF;
    END IF;
    INSERT INTO approval.alarm_signal (kind, minions, minion_count, cause, alike, who, what, jid, request_id, seen_at, times)
    SELECT p_kind, concerned[1:named], cardinality(concerned), approval.alarm_key(p_cause),
        approval.alarm_key(coalesce(p_body ->> 'alike', p_cause)), left(p_body ->> 'who', 255), left(p_body ->> 'what', 1000),
        left(p_body ->> 'jid', 255), p_request_id, p_now, p_times
    WHERE most_waiting > (
        SELECT count(*) FROM (SELECT FROM approval.alarm_signal AS s
                              WHERE s.kind = p_kind AND coalesce(s.minions[1], '') = coalesce(concerned[1], '')
                              LIMIT most_waiting) AS waiting);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION approval.raise_alarm IS
    'Internal: something was seen that is an alarm of a kind (see alarm_kind), on minions ({}: on none), by its cause, a text that '
    'equal ones have in common. p_body: {what, who, jid, alike}: what is a sentence or a masked command; with alike, in place of '
    'the cause, further ones within a minute are one alarm. p_times: it was seen so often. Nobody waits for it, nor it for '
    'anybody: settle_alarms does the rest. Gives whether it was noted: not where the policy has switched the kind off or muted '
    'all of the minions, nor beyond a thousand of one minion at a time.';
