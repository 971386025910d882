CREATE OR REPLACE FUNCTION approval.check_resume(
    p_what text, p_actor bigint, p_name text, p_assurance text, p_groups text[], p_min_assurances text[],
    p_requester bigint, p_on_behalf_of bigint, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    least_one approval.assurance;
BEGIN
    SELECT a.* INTO least_one
    FROM unnest(p_groups, p_min_assurances) AS g (group_name, min_assurance)
    JOIN approval.assurance AS a ON a.assurance = g.min_assurance
    WHERE EXISTS (
        SELECT FROM approval.eligible_voters(g.group_name, false, p_requester, p_on_behalf_of, NULL) AS v
        WHERE v.principal_id = p_actor OR EXISTS (
            SELECT FROM approval.delegation AS d
            WHERE d.from_principal = v.principal_id AND d.to_principal = p_actor AND d.starts_at <= p_now AND d.ends_at > p_now))
    ORDER BY a.strength LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP008', MESSAGE = format('%s is not among those who decide on %s', p_name, p_what),
            HINT = coalesce('They are the members of: ' || array_to_string(ARRAY(
                SELECT DISTINCT g FROM unnest(p_groups) AS g ORDER BY g), ', '), 'No group can; give a type''s rollout a resume.');
    END IF;
    IF (SELECT a.strength FROM approval.assurance AS a WHERE a.assurance = p_assurance) < least_one.strength THEN
        RAISE EXCEPTION USING ERRCODE = 'AP009',
            MESSAGE = format('a decision on %s asks for an identity that is %s; this one is only %s', p_what, least_one.assurance,
                             p_assurance),
            HINT = 'Decide with your own login: salt-approval.';
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_resume IS
    'Internal: whether a principal is of these groups, or stands in for a member, and known surely enough to let something go on '
    'that was stopped; p_requester and p_on_behalf_of do not count as members. Raises AP008, AP009.';
