CREATE OR REPLACE FUNCTION approval.set_poll_mark(p_site text, p_mark timestamptz) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_site(p_site);
    IF p_mark IS NULL OR NOT isfinite(p_mark) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'changes were looked through until a time';
    END IF;
    INSERT INTO approval.ticket_poll AS p VALUES (p_site, p_mark)
    ON CONFLICT (provider) DO UPDATE SET mark = excluded.mark WHERE p.mark < excluded.mark;
END
$$;
COMMENT ON FUNCTION approval.set_poll_mark IS
    'Notes until when the changes of the tickets of a site were looked through; an earlier time changes nothing. Raises AP002, '
    'AP005. Definer: tables are private.';
