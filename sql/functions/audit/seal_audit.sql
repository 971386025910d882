CREATE OR REPLACE FUNCTION approval.seal_audit() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most constant integer := 10000;
    last approval.audit_seal;
    next_no bigint;
    next_at timestamptz := clock_timestamp();
    sealed bigint;
BEGIN
    -- One sealer at a time, and none waits for another: who comes second leaves it to the first.
    IF NOT pg_try_advisory_xact_lock(hashtextextended('approval.seal_audit', 0)) THEN
        RETURN 0;
    END IF;
    -- By min(), which walks the index of unsealed streams; for EXISTS the planner would read the table.
    IF (SELECT min(stream) FROM approval.audit_stream WHERE sealed_seq < head_seq) IS NULL THEN
        RETURN 0;
    END IF;
    SELECT * INTO last FROM approval.audit_seal ORDER BY seal_no DESC LIMIT 1;
    next_no := coalesce(last.seal_no, 0) + 1;
    -- A head that is being written now is left to the next round.
    WITH moved AS (
        SELECT stream, head_seq, head_hash FROM approval.audit_stream WHERE sealed_seq < head_seq
        ORDER BY stream LIMIT most FOR UPDATE SKIP LOCKED
    ), covered AS (
        INSERT INTO approval.audit_sealed_head SELECT next_no, stream, head_seq, head_hash FROM moved RETURNING stream
    )
    UPDATE approval.audit_stream SET sealed_seq = head_seq WHERE stream = ANY (ARRAY(SELECT stream FROM covered));
    GET DIAGNOSTICS sealed = ROW_COUNT;
    IF sealed > 0 THEN
        INSERT INTO approval.audit_seal
        VALUES (next_no, next_at, coalesce(last.hash, ''::bytea),
                approval.seal_hash(next_no, next_at, coalesce(last.hash, ''::bytea)));
    END IF;
    RETURN sealed;
END
$$;
COMMENT ON FUNCTION approval.seal_audit IS
    'Chains the heads that moved since the last seal into the global chain; gives how many. 0: nothing moved, or another is at it. '
    'Definer: callers may not write the chain otherwise.';
