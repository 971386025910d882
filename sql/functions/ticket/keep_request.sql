CREATE OR REPLACE FUNCTION approval.keep_request(
    p_site text, p_ticket jsonb, p_request_id bigint, p_generation integer, p_revert_no integer, p_editors text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO approval.ticket_request (request_id, provider, ticket_id, generation, revert_no, digest)
    VALUES (p_request_id, p_site, p_ticket ->> 'id', p_generation, p_revert_no, p_ticket ->> 'digest');
    PERFORM approval.put_editors(p_request_id, p_site, p_editors);
    PERFORM approval.tell_ticket(p_request_id, 'submitted', clock_timestamp());
END
$$;
COMMENT ON FUNCTION approval.keep_request IS
    'Internal: notes that a ticket made a request, for this generation, perhaps to take it back (p_revert_no, 0: not so); its '
    'editors; and has the ticket told. The caller holds the locks of both.';
