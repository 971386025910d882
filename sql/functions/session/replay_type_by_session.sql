CREATE OR REPLACE FUNCTION approval.replay_type_by_session(p_token bytea, p_definition jsonb, p_limit integer)
    RETURNS TABLE (request_id bigint, state text, would_pass boolean, stage text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_by_session(p_token);
    PERFORM approval.check_type(p_definition);
    RETURN QUERY SELECT r.* FROM approval.replay_type(p_definition, p_limit, actor.principal_id) AS r;
END
$$;
COMMENT ON FUNCTION approval.replay_type_by_session IS
    'What a changed definition would have made of the last requests of its type, for a person with a session: see '
    'approval.replay_type. Raises AP001, AP002, AP020, AP021, and AP017 where it is no possible definition. Changes nothing. '
    'Definer: tables are private.';
