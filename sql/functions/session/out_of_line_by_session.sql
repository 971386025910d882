CREATE OR REPLACE FUNCTION approval.out_of_line_by_session(
    p_token bytea, p_limit integer, p_standing text, p_group text, p_after text[]) RETURNS TABLE (
    minion_id text, standing text, kind text, name text, expected text, observed text, since timestamptz,
    last_seen timestamptz, why text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_by_session(p_token, 'read');
    IF cardinality(p_after) <> 5 OR array_position(p_after, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = 'deviations are listed from behind a time, a minion, a standing, a kind and a name';
    END IF;
    RETURN QUERY SELECT o.* FROM approval.out_of_line(p_limit, p_standing, p_group, p_after, actor.principal_id) AS o;
END
$$;
COMMENT ON FUNCTION approval.out_of_line_by_session IS
    'Deviations from what is approved, for a person with a session: see approval.out_of_line. Raises AP001, AP002, AP005, '
    'AP020-AP022. Definer: tables are private.';
