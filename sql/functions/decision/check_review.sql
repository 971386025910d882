CREATE OR REPLACE FUNCTION approval.check_review(p_request approval.request, p_principal_id bigint, p_assurance text)
    RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number constant bigint := p_request.request_id;
    actor text;
    review_group text;
BEGIN
    SELECT p.name INTO STRICT actor FROM approval.principal AS p WHERE p.principal_id = p_principal_id;
    SELECT t.review_group INTO review_group FROM approval.request_type AS t
    WHERE t.type_name = p_request.type_name AND t.type_version = p_request.type_version;
    IF review_group IS NULL OR p_request.approved_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = format('request %s is not to be reviewed', number);
    END IF;
    IF p_request.review_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP010', MESSAGE = format('request %s was reviewed already', number);
    END IF;
    IF NOT EXISTS (SELECT FROM approval.membership AS m
                   WHERE m.group_name = review_group AND m.principal_id = p_principal_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP008',
            MESSAGE = format('%s is not in %s, which reviews request %s', actor, review_group, number);
    END IF;
    IF approval.had_part(p_request, p_principal_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP007',
            MESSAGE = format('%s had a part in request %s and may not review it', actor, number);
    END IF;
    IF EXISTS (
            SELECT FROM approval.request_stage AS s
            JOIN approval.assurance AS least ON least.assurance = s.min_assurance
            JOIN approval.assurance AS given ON given.assurance = p_assurance
            WHERE s.request_id = number AND given.strength < least.strength) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP009',
            MESSAGE = format('a review of request %s asks for as sure an identity as its approvals; this one is only %s',
                number, p_assurance),
            HINT = 'Review it with your own login.';
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_review IS
    'Internal: raises unless a principal, known with this assurance, may review a request as it is. Raises AP006-AP010.';
