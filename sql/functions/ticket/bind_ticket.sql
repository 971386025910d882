CREATE OR REPLACE FUNCTION approval.bind_ticket(p_site text, p_ticket_id text, p_generation integer, p_at timestamptz,
    p_digest text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    bound bigint;
    now_asked text;
BEGIN
    PERFORM approval.check_site(p_site);
    IF p_at IS NULL OR NOT isfinite(p_at) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a ticket is bound since a time';
    END IF;
    -- Its newest request of this generation: what takes one back comes after it.
    SELECT t.request_id INTO bound FROM approval.ticket_request AS t
    WHERE t.provider = p_site AND t.ticket_id = p_ticket_id AND t.generation = p_generation
    ORDER BY t.revert_no DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014',
            MESSAGE = format('ticket %s of %s has not asked for the %s. time', p_ticket_id, p_site, p_generation);
    END IF;
    PERFORM approval.lock_request(bound);
    SELECT t.digest INTO now_asked FROM approval.ticket_request AS t WHERE t.request_id = bound;
    IF now_asked <> p_digest THEN
        RETURN NULL;
    END IF;
    -- Our comment may be there before its history was read, which shows since when it says this.
    UPDATE approval.ticket_request AS t SET bound_at = p_at
    WHERE t.request_id = bound AND (t.bound_at IS NULL OR (p_digest IS NOT NULL AND t.bound_at > p_at));
    RETURN bound;
END
$$;
COMMENT ON FUNCTION approval.bind_ticket IS
    'Says since when a ticket itself tells which request with which content it is, in the time of its site: decisions in it from '
    'before do not count. The earliest time at which it says what it says now holds, until the request is amended. p_digest: of '
    'the ticket, as it was told there (NULL: as it is, if nothing was said yet). Gives the request: the newest of that '
    'generation, so a revert once that was asked for; NULL: it was amended meanwhile, and nothing is bound. Raises AP002, AP005, '
    'AP014. Definer: tables are private.';
