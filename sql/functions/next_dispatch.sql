CREATE OR REPLACE FUNCTION approval.next_dispatch(p_request_id bigint) RETURNS timestamptz
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT min(CASE WHEN d.state = 'observing' THEN clock_timestamp() + interval '1 second'
                WHEN d.state = 'sending' THEN clock_timestamp() + interval '1 minute'
                WHEN s.readiness = 'later' THEN s.again_at ELSE clock_timestamp() END)
FROM approval.dispatchable(p_request_id, NULL, clock_timestamp()) AS s
LEFT JOIN approval.dispatch AS d USING (minion_id, item_id)
WHERE s.readiness <> 'done' 
    -- Of a state that may not have been sent see settle_dispatches.
    AND (d.state IS NULL OR d.state IN ('observing', 'observed') OR (d.proof = 'state' AND d.state = 'sending'))
$$;
COMMENT ON FUNCTION approval.next_dispatch(bigint) IS
    'When something of a request is to be dispatched next; NULL: nothing is left to be. Definer: tables are private.';
