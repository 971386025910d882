CREATE OR REPLACE FUNCTION approval.open_wave(p_request_id bigint, p_wave_no integer, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    minions text[];
BEGIN
    UPDATE approval.wave SET opened_at = coalesce(opened_at, p_now) WHERE request_id = p_request_id AND wave_no = p_wave_no;
    WITH opened AS (
        UPDATE approval.wave_minion AS w SET opened_at = p_now
        WHERE w.request_id = p_request_id AND w.wave_no = p_wave_no AND w.opened_at IS NULL
        RETURNING w.minion_id
    )
    SELECT coalesce(array_agg(minion_id), '{}') INTO minions FROM opened;
    PERFORM approval.refresh_documents(ARRAY(
        SELECT DISTINCT i.minion_id FROM approval.item AS i
        WHERE i.request_id = p_request_id AND i.minion_id = ANY (minions) AND i.state = 'approved' AND i.kind <> 'action'));
END
$$;
COMMENT ON FUNCTION approval.open_wave IS
    'Internal: from now on nothing of a wave is held back by it; the documents of its minions are written. The caller holds the '
    'request''s lock.';
