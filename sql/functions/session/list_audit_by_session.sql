CREATE OR REPLACE FUNCTION approval.list_audit_by_session(
    p_token bytea, p_stream bigint, p_who text, p_act text, p_from timestamptz, p_until timestamptz, p_before_at timestamptz,
    p_before_stream bigint, p_before_seq bigint, p_limit integer)
    RETURNS TABLE (stream bigint, seq bigint, at timestamptz, actor text, assurance text, act text, detail jsonb, hash text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller record;
BEGIN
    caller := approval.acting_by_session(p_token);
    IF num_nulls(p_before_at, p_before_stream, p_before_seq) NOT IN (0, 3) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'acts are listed from behind a time, a stream and a number';
    END IF;
    RETURN QUERY SELECT l.* FROM approval.list_audit(p_stream, p_who, p_act, p_from, p_until, p_before_at, p_before_stream,
                                                     p_before_seq, p_limit,
        approval.readable_groups(approval.reading_as(caller.principal_id), 'audit')) AS l;
END
$$;
COMMENT ON FUNCTION approval.list_audit_by_session IS
    'Acts that a person with a session may read, newest first: see approval.list_audit. Raises AP001, AP002, AP005, AP020, '
    'AP021. Definer: tables are private.';
