CREATE OR REPLACE FUNCTION approval.end_api_token(p_token bytea, p_number bigint) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    ended bigint[];
BEGIN
    actor := approval.acting_by_session(p_token);
    WITH gone AS (
        DELETE FROM approval.api_token AS t
        USING approval.identity AS i
        -- Theirs by whichever of their identities.
        WHERE i.principal_id = actor.principal_id AND (t.provider, t.subject) = (i.provider, i.subject)
            AND t.token_no = coalesce(p_number, t.token_no)
        RETURNING t.token_no
    )
    SELECT array_agg(g.token_no ORDER BY g.token_no) INTO ended FROM gone AS g;
    IF ended IS NOT NULL THEN
        PERFORM approval.audit_append(
            0, clock_timestamp(), 'token-ended', actor.name, actor.provider || ':' || actor.subject, actor.assurance,
            jsonb_build_object('tokens', ended, 'proof', actor.proof));
    END IF;
    RETURN coalesce(cardinality(ended), 0);
END
$$;
COMMENT ON FUNCTION approval.end_api_token IS
    'Ends the token of the API with this number, or (NULL) all of them, of the person with a session; gives how many there were. '
    'Raises AP001, AP002, AP020-AP022. Definer: tables are private.';
