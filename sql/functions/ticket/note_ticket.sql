CREATE OR REPLACE FUNCTION approval.note_ticket(p_site text, p_ticket jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF jsonb_typeof(p_ticket) IS DISTINCT FROM 'object' OR coalesce(p_ticket ->> 'digest', '') !~ '^[!-~]{1,128}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = 'a ticket is {id, key, url, digest}, and its digest a text without spaces';
    END IF;
    INSERT INTO approval.ticket AS t (provider, ticket_id, key, url)
    VALUES (p_site, p_ticket ->> 'id', p_ticket ->> 'key', p_ticket ->> 'url')
    ON CONFLICT (provider, ticket_id) DO UPDATE SET key = excluded.key, url = coalesce(excluded.url, t.url)
    WHERE (t.key, t.url) IS DISTINCT FROM (excluded.key, coalesce(excluded.url, t.url));
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP005',
        MESSAGE = format('%s is no ticket of %s', left(p_ticket::text, 200), p_site),
        HINT = 'Its id has no spaces, its key is not empty, and its url, where it has one, begins with http.';
END
$$;
COMMENT ON FUNCTION approval.note_ticket IS
    'Internal: keeps the key and the address of a ticket {id, key, url, digest}, as they were last seen. Raises AP005.';
