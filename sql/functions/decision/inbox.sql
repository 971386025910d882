CREATE OR REPLACE FUNCTION approval.inbox(p_provider text, p_subject text, p_after bigint, p_limit integer)
    RETURNS TABLE (request_id bigint, act text, type text, title text, requester text, reason text,
                   submitted_at timestamptz, minions bigint, items bigint, stage integer, stage_name text, groups text[],
                   in_stead_of text, escalated boolean, until timestamptz, until_what text, min_assurance text,
                   suffices boolean, obstacle text, digest text, total bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT mine.* FROM approval.acting_principal(p_provider, p_subject) AS actor,
    approval.inbox_of(actor.name, actor.assurance, p_after, p_limit) AS mine
$$;
COMMENT ON FUNCTION approval.inbox IS
    'The caller''s inbox: see approval.inbox_of. suffices tells whether the identity by which they call does. Raises AP001, AP002, '
    'AP020. Definer: tables are private.';
