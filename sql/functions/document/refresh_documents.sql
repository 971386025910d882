CREATE OR REPLACE FUNCTION approval.refresh_documents(p_minions text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := approval.lock_minions(p_minions);
    overtaken bigint;
BEGIN
    FOREACH overtaken IN ARRAY approval.rewrite_documents(p_minions, moment) LOOP
        PERFORM approval.settle_request(overtaken, moment);
    END LOOP;
END
$$;
COMMENT ON FUNCTION approval.refresh_documents IS
    'Internal: brings the documents of these minions in line with what their items, windows and freezes are now, and requests with '
    'that.';
