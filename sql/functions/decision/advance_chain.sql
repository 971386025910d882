CREATE OR REPLACE FUNCTION approval.advance_chain(p_request_id bigint, p_now timestamptz) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target approval.request;
    kind approval.request_type;
    stage approval.request_stage;
BEGIN
    SELECT * INTO STRICT target FROM approval.request WHERE request_id = p_request_id;
    SELECT * INTO STRICT kind FROM approval.request_type
    WHERE type_name = target.type_name AND type_version = target.type_version;
    FOR stage IN SELECT * FROM approval.request_stage WHERE request_id = p_request_id AND satisfied_at IS NULL
        ORDER BY stage_no LOOP
        IF NOT EXISTS (
            SELECT FROM approval.request_quorum AS q
            WHERE q.request_id = p_request_id AND q.stage_no = stage.stage_no AND q.quorum <= (
                SELECT count(DISTINCT d.counts_for)
                FROM approval.decision AS d
                -- A person who changed what is asked for after deciding on it does not count either.
                JOIN approval.eligible_voters(q.group_name, kind.self_approval, target.requester_id, target.on_behalf_of,
                    p_request_id) AS p ON p.principal_id = d.counts_for
                JOIN approval.principal AS giver ON giver.principal_id = d.principal_id AND giver.disabled_at IS NULL
                WHERE d.request_id = p_request_id AND d.item_set_version >= target.reviewed_version AND d.stage_no = stage.stage_no
                    AND d.decision = 'approve')) THEN
            UPDATE approval.request_stage SET started_at = p_now
            WHERE request_id = p_request_id AND stage_no = stage.stage_no AND started_at IS NULL;
            RETURN 'pending';
        END IF;
        UPDATE approval.request_stage SET satisfied_at = p_now, started_at = coalesce(started_at, p_now)
        WHERE request_id = p_request_id AND stage_no = stage.stage_no;
    END LOOP;
    PERFORM approval.approve_request(p_request_id);
    RETURN 'approved';
END
$$;
COMMENT ON FUNCTION approval.advance_chain IS
    'Internal: passes the stages whose quorum was reached; after the last one the request is approved. The caller holds its lock.';
