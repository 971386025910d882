CREATE OR REPLACE FUNCTION approval.expected_documents(p_minions text[], p_revisions bigint[], p_jids text[])
    RETURNS TABLE (revision bigint, digest text, evidence_key bytea, kinds text[], names text[], types text[], contents text[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    published timestamptz[];
BEGIN
    -- A minion's own login stores claims, whatever they are compared with, and each document holds a key.
    IF NOT pg_has_role(session_user, 'approval_returner', 'MEMBER') THEN
        RETURN QUERY
        SELECT NULL::bigint, NULL, NULL::bytea, NULL::text[], NULL::text[], NULL::text[], NULL::text[] FROM unnest(p_minions);
        RETURN;
    END IF;
    IF array_position(p_revisions, NULL) IS NOT NULL THEN
        -- A jid's digits are the master's local time; when the master published it, is sure.
        published := ARRAY(
            -- LIMIT: see record_returns.
            SELECT (SELECT j.published_at FROM approval.job AS j WHERE asked.revision IS NULL AND j.jid = asked.jid LIMIT 1)
            FROM unnest(p_revisions, p_jids) WITH ORDINALITY AS asked (revision, jid, place)
            ORDER BY asked.place);
    END IF;
    RETURN QUERY
    SELECT held.*
    FROM unnest(p_minions, p_revisions, published) WITH ORDINALITY AS asked (minion_id, revision, published_at, place)
    LEFT JOIN LATERAL approval.expected_document(asked.minion_id, asked.revision, asked.published_at, moment) AS held ON true
    ORDER BY asked.place;
END
$$;
COMMENT ON FUNCTION approval.expected_documents IS
    'The documents that returns are validated against, one row for each in the order asked: the revision that it claims, or (NULL) '
    'the one in force when its job was published. All NULL: the minion was given none such, or the caller is a minion''s own '
    'login. Definer: the recorder needs the keys to check evidence, and nothing else.';
