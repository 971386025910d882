CREATE OR REPLACE FUNCTION approval.submit_request_by_session(
    p_token bytea, p_type text, p_reason text, p_minions text[], p_kinds text[], p_names text[], p_values text[],
    p_after timestamptz, p_overlap text, p_key text, p_digest text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    number bigint;
BEGIN
    actor := approval.acting_by_session(p_token, 'request');
    IF p_key IS NULL OR p_key !~ '^[a-z0-9]{16,64}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a form on the web has a key of 16 to 64 small letters and digits';
    END IF;
    number := approval.submit_as(
        actor.principal_id, actor.name, actor.provider || ':' || actor.subject, actor.assurance, p_type, p_reason, p_minions,
        p_kinds, p_names, p_values, p_after, actor.provider, 'form-' || p_key, NULL, p_overlap, NULL, actor.proof);
    IF p_digest IS NOT NULL AND NOT EXISTS (
            SELECT FROM approval.item_set AS s WHERE s.request_id = number AND s.item_set_version = 1 AND s.digest = p_digest) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP011', MESSAGE = 'what would be asked for is not what was shown before',
            HINT = 'The group of minions, or the type, was changed meanwhile.';
    END IF;
    RETURN number;
END
$$;
COMMENT ON FUNCTION approval.submit_request_by_session IS
    'Submits a request of the person whose session has this token, as approval.submit_request has it; gives its number. '
    'p_key: of the form, by which the same form sent twice is one request; p_digest: of what was shown before, NULL where it '
    'is only tried. Raises AP001-AP005, AP011, AP013, AP015, AP016, AP018, AP020-AP022. Definer: nobody writes requests '
    'otherwise.';
