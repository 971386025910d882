CREATE OR REPLACE FUNCTION approval.inbox_by_session(p_token bytea, p_after bigint, p_limit integer)
    RETURNS TABLE (request_id bigint, act text, type text, title text, requester text, reason text,
                   submitted_at timestamptz, minions bigint, items bigint, stage integer, stage_name text, groups text[],
                   in_stead_of text, escalated boolean, until timestamptz, until_what text, min_assurance text,
                   suffices boolean, obstacle text, digest text, total bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT mine.* FROM approval.acting_by_session(p_token, 'read') AS actor,
    approval.inbox_of(actor.name, actor.assurance, p_after, p_limit) AS mine
$$;
COMMENT ON FUNCTION approval.inbox_by_session IS
    'The inbox of the person whose session has this token: see approval.inbox_of. Raises AP001, AP002, AP020-AP022. Definer: '
    'tables are private.';
