CREATE OR REPLACE FUNCTION approval.inbox_of(p_name text, p_assurance text, p_after bigint, p_limit integer)
    RETURNS TABLE (request_id bigint, act text, type text, title text, requester text, reason text,
                   submitted_at timestamptz, minions bigint, items bigint, stage integer, stage_name text, groups text[],
                   in_stead_of text, escalated boolean, until timestamptz, until_what text, min_assurance text,
                   suffices boolean, obstacle text, digest text, total bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person bigint := approval.principal_named(p_name);
    most_reviews constant integer := 1000;
    moment timestamptz := clock_timestamp();
BEGIN
    IF p_assurance IS NOT NULL AND NOT EXISTS (SELECT FROM approval.assurance AS a WHERE a.assurance = p_assurance) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%L is not an assurance', p_assurance);
    END IF;
    RETURN QUERY
    WITH decidable AS (
        SELECT r AS asked, 'decide' AS act, s.stage_no, s.name AS stage_name, voter.id AS voter_id, s.min_assurance,
            ARRAY(SELECT q.group_name FROM approval.request_quorum AS q JOIN approval.membership AS m USING (group_name)
                  WHERE q.request_id = r.request_id AND q.stage_no = s.stage_no AND m.principal_id = voter.id ORDER BY 1) AS groups,
            -- Since its timeout is over, one of the group that it was escalated to passes the stage too.
            s.escalate_to IS NOT NULL AND s.timeout IS NULL AS escalated,
            least(r.expires_at, s.started_at + s.timeout) AS until,
            CASE WHEN s.started_at + s.timeout < r.expires_at
                THEN coalesce('then ' || s.escalate_to || ' may pass it too', 'then it is rejected')
                    ELSE 'then it expires' END AS until_what
        FROM approval.request AS r
        JOIN approval.request_type AS t USING (type_name, type_version)
        CROSS JOIN LATERAL approval.current_stage(r.request_id) AS s
        -- OFFSET, so that who it is gets found out once, and not at each place that names it.
        CROSS JOIN LATERAL (SELECT approval.stage_voter(r, s.stage_no, person, moment) AS id OFFSET 0) AS voter
        WHERE r.state = 'pending' AND r.expires_at > moment AND (s.escalate_to IS NOT NULL
            OR coalesce(s.started_at + s.timeout > moment, true))
            AND (t.self_approval OR person NOT IN (r.requester_id, coalesce(r.on_behalf_of, r.requester_id))
                AND NOT approval.is_editor(r.request_id, person))
            AND voter.id IS NOT NULL AND NOT approval.has_voted(r, s.stage_no, person)
            AND NOT approval.has_voted(r, s.stage_no, voter.id)
    ), reviewable AS (
        SELECT done.asked, 'review', NULL::integer, NULL::text, person, (
                SELECT a.assurance FROM approval.request_stage AS s JOIN approval.assurance AS a ON a.assurance = s.min_assurance
                WHERE s.request_id = (done.asked).request_id ORDER BY a.strength DESC LIMIT 1),
            ARRAY[t.review_group], false, NULL::timestamptz, NULL::text
        FROM approval.membership AS m
        JOIN approval.principal AS p ON p.principal_id = m.principal_id AND p.disabled_at IS NULL
        JOIN approval.request_type AS t ON t.review_group = m.group_name
        -- Few types have a review, and few of their requests wait for it for long: the newest are read by their index.
        CROSS JOIN LATERAL (
            SELECT r AS asked FROM approval.request AS r
            WHERE r.type_name = t.type_name AND r.type_version = t.type_version AND r.approved_at IS NOT NULL
                AND r.review_at IS NULL
            ORDER BY r.request_id DESC LIMIT most_reviews) AS done
        WHERE m.principal_id = person AND NOT approval.had_part(done.asked, person)
    ), every AS (
        SELECT * FROM decidable UNION ALL SELECT * FROM reviewable
    ), page AS (
        SELECT e.* FROM every AS e WHERE p_after IS NULL OR (e.asked).request_id > p_after
            ORDER BY (e.asked).request_id LIMIT p_limit
    )
    SELECT r.request_id, e.act, r.type_name, t.title, asker.name, r.reason, r.submitted_at,
        v.minion_count, v.item_count, e.stage_no, e.stage_name, e.groups,
        CASE WHEN e.voter_id <> person THEN stead.name END, e.escalated,
        e.until, e.until_what, e.min_assurance, given.strength >= coalesce(least_one.strength, 0), CASE WHEN e.act = 'decide'
            THEN coalesce(approval.unresolved_overlap(r.request_id), 'it has ' || approval.missing_plan(r.request_id, moment)) END,
        v.digest, (SELECT count(*) FROM every)
    FROM page AS e
    CROSS JOIN LATERAL (SELECT (e.asked).*) AS r
    JOIN approval.request_type AS t USING (type_name, type_version)
    CROSS JOIN LATERAL (
        SELECT s.minion_count, s.item_count, s.digest FROM approval.item_set AS s
        WHERE s.request_id = r.request_id AND s.item_set_version = r.item_set_version LIMIT 1) AS v
    JOIN approval.principal AS asker ON asker.principal_id = r.requester_id
    JOIN approval.principal AS stead ON stead.principal_id = e.voter_id
    LEFT JOIN approval.assurance AS given ON given.assurance = p_assurance
    LEFT JOIN approval.assurance AS least_one ON least_one.assurance = e.min_assurance
    ORDER BY r.request_id;
END
$$;
COMMENT ON FUNCTION approval.inbox_of IS
    'Requests that a principal can decide or review (of each type the newest thousand) now, oldest first: not their own, nor those '
    'that they, or the member they stand in for, decided already. groups: why they; in_stead_of: who delegated to them; until: '
    'when the stage''s time or the request''s is over, and what happens then; suffices: whether an identity of p_assurance is sure '
    'enough (NULL where none is given); obstacle: another request that keeps this one from being approved, or a plan that it '
    'lacks. p_after: only requests with a higher number, for the next page; total counts all pages. Raises AP001, AP005. Definer: '
    'tables are private.';
