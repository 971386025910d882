CREATE OR REPLACE FUNCTION approval.review_request(p_provider text, p_subject text, p_request_id bigint, p_comment text)
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    actor record;
    target approval.request;
    review_group text;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    target := approval.lock_request(p_request_id);
    moment := clock_timestamp();
    SELECT t.review_group INTO review_group FROM approval.request_type AS t
    WHERE t.type_name = target.type_name AND t.type_version = target.type_version;
    IF review_group IS NULL OR target.approved_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = format('request %s is not to be reviewed', p_request_id);
    END IF;
    IF target.review_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP010', MESSAGE = format('request %s was reviewed already', p_request_id);
    END IF;
    IF NOT EXISTS (SELECT FROM approval.membership AS m
                   WHERE m.group_name = review_group AND m.principal_id = actor.principal_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP008',
            MESSAGE = format('%s is not in %s, which reviews request %s', actor.name, review_group, p_request_id);
    END IF;
    IF approval.had_part(target, actor.principal_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP007',
            MESSAGE = format('%s had a part in request %s and may not review it', actor.name, p_request_id);
    END IF;
    IF EXISTS (
            SELECT FROM approval.request_stage AS s
            JOIN approval.assurance AS least ON least.assurance = s.min_assurance
            JOIN approval.assurance AS given ON given.assurance = actor.assurance
            WHERE s.request_id = p_request_id AND given.strength < least.strength) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP009',
            MESSAGE = format('a review of request %s asks for as sure an identity as its approvals; this one is only %s',
                p_request_id, actor.assurance),
            HINT = 'Review it with your own login.';
    END IF;
    UPDATE approval.request SET review_by = actor.principal_id, review_at = moment WHERE request_id = p_request_id;
    PERFORM approval.audit_append(p_request_id, moment, 'reviewed', actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('comment', coalesce(p_comment, '')));
END
$$;
COMMENT ON FUNCTION approval.review_request IS
    'The review that an emergency needs afterwards, by one of the type''s review group who had no part in it. Raises AP001, AP002, '
    'AP006-AP010, AP014. Definer: tables are private.';
