CREATE OR REPLACE FUNCTION approval.end_catch_up(p_catch_up approval.catch_up, p_outcome text, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE approval.catch_up AS c SET state = 'ended', state_at = p_now, outcome = p_outcome
    WHERE c.minion_id = p_catch_up.minion_id AND c.catch_up_no = p_catch_up.catch_up_no;
    -- It started once more while a job was under way, and may have lost it.
    IF p_catch_up.started_at > p_catch_up.state_at THEN
        PERFORM approval.note_starts(ARRAY[p_catch_up.minion_id], interval '0');
    END IF;
END
$$;
COMMENT ON FUNCTION approval.end_catch_up IS
    'Internal: ends the catching up of a minion with an outcome; see table catch_up. One that started again meanwhile is noted '
    'anew.';
