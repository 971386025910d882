CREATE OR REPLACE FUNCTION approval.receive_delivery(p_site text, p_key text, p_ticket text, p_content jsonb) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment constant timestamptz := clock_timestamp();
    -- Those of a poll, which are of our own making, are many, and soon nobody finds the same change again.
    kept constant interval := CASE p_content ->> 'way' WHEN 'poll' THEN interval '2 days' ELSE interval '35 days' END;
BEGIN
    PERFORM approval.check_site(p_site);
    INSERT INTO approval.ticket_delivery (provider, key, ticket, content, received_at, due_at, forget_at)
    VALUES (p_site, p_key, p_ticket, p_content, moment, moment, moment + kept)
    ON CONFLICT (provider, key) DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'known';
    END IF;
    NOTIFY approval_itsm;
    RETURN 'new';
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP005',
        MESSAGE = 'a delivery has a key and the id or key of its ticket, each of 1 to 255 characters, and a content';
END
$$;
COMMENT ON FUNCTION approval.receive_delivery IS
    'Keeps a delivery of a site, by a key that tells it from all others of it, for the ticket with this id or key; gives new, or '
    'known: it came in the last 35 days (a poll, way: two days), and nothing is done. Raises AP002, AP005. Definer: tables are '
    'private.';
