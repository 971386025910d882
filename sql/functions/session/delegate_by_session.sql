CREATE OR REPLACE FUNCTION approval.delegate_by_session(p_token bytea, p_to text, p_from timestamptz, p_until timestamptz)
    RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.delegate_as(actor.principal_id, actor.name, actor.provider || ':' || actor.subject, actor.assurance, p_to, p_from,
                            p_until, actor.proof)
FROM approval.acting_by_session(p_token) AS actor
$$;
COMMENT ON FUNCTION approval.delegate_by_session IS
    'Lets another principal decide in the stead of the person whose session has this token, as approval.delegate does; the '
    'session has to be authenticated. Raises AP001, AP002, AP009, AP016, AP020-AP022. Definer: tables are private.';
