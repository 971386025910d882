CREATE OR REPLACE FUNCTION approval.supersede_items(p_minions text[], p_now timestamptz) RETURNS bigint[]
    -- See rewrite_documents.
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    overtaken bigint[];
BEGIN
    -- A change that was never applied may still be held back by a window or a freeze, and what held before it with it. An item
    -- loses for good to one that was applied; a change not applied loses to a later one of the same type, which the same things
    -- hold back.
    WITH lost AS (
        UPDATE approval.item AS loser
        SET state = 'superseded'
        WHERE loser.minion_id = ANY (p_minions) AND loser.state = 'approved' AND loser.kind <> 'action'
            AND EXISTS (
                SELECT FROM approval.item AS winner
                JOIN approval.request AS w ON w.request_id = winner.request_id
                JOIN approval.request AS r ON r.request_id = loser.request_id
                WHERE winner.minion_id = loser.minion_id AND winner.kind = loser.kind AND winner.name = loser.name
                    AND winner.state = 'approved'
                    AND (winner.effective_at, winner.approval_seq) > (loser.effective_at, loser.approval_seq)
                    AND winner.effective_at <= p_now
                    AND (winner.applied_at IS NOT NULL
                         OR (loser.applied_at IS NULL AND w.type_name = r.type_name AND w.type_version = r.type_version
                             AND w.break_glass_at IS NOT DISTINCT FROM r.break_glass_at
                             -- But the same wave does not hold them back.
                             AND NOT EXISTS (SELECT FROM approval.wave_minion AS v WHERE v.request_id = w.request_id
                                 AND v.minion_id = winner.minion_id AND v.opened_at IS NULL)
                             -- A ticket does not either.
                             AND NOT EXISTS (SELECT FROM approval.ticket_hold AS h WHERE h.request_id = w.request_id)))
                -- For each loser by its key: as a join it would compare all with all where no statistics say yet how many there
                -- are.
                OFFSET 0)
        RETURNING loser.request_id
    )
    SELECT array_agg(DISTINCT request_id ORDER BY request_id) INTO overtaken FROM lost;
    RETURN coalesce(overtaken, '{}');
END
$$;
COMMENT ON FUNCTION approval.supersede_items IS
    'Internal: takes items out of force that another has overtaken for good; gives the requests that lost one by it.';
