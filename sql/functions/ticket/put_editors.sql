CREATE OR REPLACE FUNCTION approval.put_editors(p_request_id bigint, p_site text, p_editors text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO approval.request_editor
    SELECT DISTINCT p_request_id, p_site, given.subject FROM unnest(p_editors) AS given (subject)
    ON CONFLICT DO NOTHING;
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'an editor is a subject of 1 to 255 characters';
END
$$;
COMMENT ON FUNCTION approval.put_editors IS
    'Internal: notes who changed what a request asks for, as the site knows them, beside those that it has already. Raises '
    'AP005.';
