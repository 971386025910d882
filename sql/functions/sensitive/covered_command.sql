CREATE OR REPLACE FUNCTION approval.covered_command(p_fun text, p_command text) RETURNS text
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT CASE WHEN p_command IS NOT NULL AND EXISTS (
        SELECT FROM approval.sensitive AS s WHERE s.kind = 'action' AND s.name = ANY (string_to_array(p_fun, ',')))
    THEN p_fun || ' •••' ELSE p_command END
$$;
COMMENT ON FUNCTION approval.covered_command IS
    'Internal: a command as the job log has it; of a function with an argument that is sensitive, which may stand there under '
    'its name or by its place, no argument.';
