CREATE OR REPLACE FUNCTION approval.apply_returns(
    p_jids text[], p_minions text[], p_revisions bigint[], p_findings text[], p_befores text[], p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    few constant integer := 200;
    converged text[];
    changing text[];
    affected bigint[];
    concerned bigint;
BEGIN
    WITH held_item AS (
        SELECT h.minion_id, e.kind, e.name, e.item_id
        FROM unnest(p_minions, p_revisions) AS p (minion_id, revision)
        JOIN approval.document_history AS h USING (minion_id, revision),
            unnest(h.kinds, h.names, h.item_ids) AS e (kind, name, item_id)
    ), before AS (
        SELECT p.minion_id, b.entry ->> 0 AS kind, b.entry ->> 1 AS name, b.entry ->> 2 AS content
        FROM unnest(p_minions, p_befores) AS p (minion_id, before), json_array_elements(p.before::json) AS b (entry)
    )
    UPDATE approval.item AS i
    SET before_known = true, before_content = b.content
    FROM held_item AS e JOIN before AS b USING (minion_id, kind, name)
    WHERE i.minion_id = e.minion_id AND i.item_id = e.item_id AND NOT i.before_known;

    WITH held_item AS (
        SELECT h.minion_id, p.jid, e.kind, e.name, e.item_id
        FROM unnest(p_jids, p_minions, p_revisions) AS p (jid, minion_id, revision)
        JOIN approval.document_history AS h USING (minion_id, revision),
            unnest(h.kinds, h.names, h.item_ids) AS e (kind, name, item_id)
    ), finding AS (
        SELECT p.minion_id, f.* FROM unnest(p_minions, p_findings) AS p (minion_id, findings),
            approval.findings_of(p.findings::json) AS f
    ), moved AS (
        UPDATE approval.item AS i
        SET outcome = f.verdict,
            applied_at = CASE WHEN f.verdict = 'converged' THEN p_now END,
            observed = f.observed, outcome_text = f.finding, outcome_jid = e.jid,
            -- An exact version is found spelled otherwise where the approved text leaves something open: an rpm's release, say.
            pinned = CASE WHEN f.verdict = 'converged' AND i.kind = 'package' AND i.content IS NOT NULL AND f.observed <> i.content
                THEN f.observed END
        FROM held_item AS e JOIN finding AS f USING (minion_id, kind, name)
        WHERE i.minion_id = e.minion_id AND i.item_id = e.item_id
            AND i.outcome <> 'converged' AND (f.verdict IN ('failed', 'drift') OR f.verdict = 'converged' AND f.is_signed)
            -- A check attempts nothing: why an item failed stays said until the item is proven.
            AND (f.verdict = 'converged' OR f.source <> 'observation')
        RETURNING i.minion_id, i.request_id, i.pinned, i.outcome
    )
    SELECT array_agg(DISTINCT m.minion_id ORDER BY m.minion_id) FILTER (WHERE m.outcome = 'converged'),
        array_agg(DISTINCT m.minion_id ORDER BY m.minion_id) FILTER (WHERE m.outcome = 'converged' AND (
            m.pinned IS NOT NULL
            OR EXISTS (SELECT FROM approval.document AS d WHERE d.minion_id = m.minion_id AND d.valid_from > p_now))),
        array_agg(DISTINCT m.request_id ORDER BY m.request_id)
    INTO converged, changing, affected FROM moved AS m;

    -- Applied for the first time: from now on no window or freeze holds it back, and what it overtook is gone for good.
    IF changing IS NOT NULL THEN
        affected := affected || approval.rewrite_documents(changing, clock_timestamp());
        converged := ARRAY(SELECT unnest(converged) EXCEPT SELECT unnest(changing));
    END IF;
    IF cardinality(converged) > 0 THEN
        affected := affected || approval.supersede_items(converged, clock_timestamp());
    END IF;
    PERFORM approval.note_change(affected);
    FOR concerned IN SELECT DISTINCT unnest(affected) ORDER BY 1 LOOP
        -- Returns of a large request do not queue for its lock: only once few items wait can this return be the last.
        -- Two that are last at once each see the other's item wait; both then take the lock, and the second settles it.
        IF (SELECT count(*) FROM (SELECT FROM approval.item AS i
                                  WHERE i.request_id = concerned AND i.state = 'approved' AND i.outcome = 'waiting'
                                  LIMIT few) AS waiting) < few THEN
            PERFORM approval.settle_request(concerned, p_now);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION approval.apply_returns IS
    'Internal: does to items and requests all that authentic returns, no two of one minion, mean for them. The caller holds '
    'approval.lock_minions. For the arrays see record_returns.';
