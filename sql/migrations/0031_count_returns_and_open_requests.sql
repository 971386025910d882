-- How many returns were recorded, by verdict: for monitoring. Sequences count without a lock, so that those who record returns
-- at one time do not wait for each other; a return whose transaction was taken back is counted as well, as are up to 32 after a
-- crash.
DO $$
DECLARE
    verdict text;
BEGIN
    FOREACH verdict IN ARRAY ARRAY['converged', 'partial', 'failed', 'not-applied', 'drift', 'invalid', 'unproven'] LOOP
        EXECUTE format('CREATE SEQUENCE approval.%I', 'returns_' || replace(verdict, '-', '_'));
        EXECUTE format('COMMENT ON SEQUENCE approval.%I IS %L', 'returns_' || replace(verdict, '-', '_'),
                       'How many returns with the verdict ' || verdict || ' were recorded, and a few more.');
    END LOOP;
END
$$;

-- Requests that are open are few, whatever came before them.
CREATE INDEX request_open ON approval.request (state, request_id) WHERE closed_at IS NULL;
