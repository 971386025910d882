CREATE OR REPLACE FUNCTION approval.show_rollout(p_request_id bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reader constant bigint := approval.reading_as();
BEGIN
    PERFORM approval.check_reader_of(reader, p_request_id);
    RETURN nullif(approval.readable_request(
        jsonb_build_object('rollout', approval.rollout_of(p_request_id)), approval.may_read(reader, 'values', p_request_id)
            AND (approval.sees_sensitive() OR NOT approval.names_sensitive(p_request_id))) -> 'rollout', 'null');
END
$$;
COMMENT ON FUNCTION approval.show_rollout IS
    'The rollout of a request: its state (planned, as long as the request is pending), its waves, what came of each, and which '
    'minions failed, the first hundred with the reason (of which those who may not read values see nothing); resume: who decides '
    'once it is halted. NULL: it has none. Raises AP005, AP014. Definer: tables are private.';
