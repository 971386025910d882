CREATE OR REPLACE FUNCTION approval.replay_type(p_definition jsonb, p_limit integer, p_reader bigint DEFAULT NULL)
    RETURNS TABLE (request_id bigint, state text, would_pass boolean, stage text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
WITH reading AS MATERIALIZED (
    SELECT r.reader, approval.readable_groups(r.reader, 'requests') AS readable, approval.voting_groups(r.reader) AS voting
    FROM (SELECT approval.reading_as(p_reader) AS reader) AS r
), past AS (
    SELECT r.request_id, r.state, (
        SELECT count(DISTINCT i.minion_id) FROM approval.current_item AS i WHERE i.request_id = r.request_id) AS minions
    FROM reading AS g CROSS JOIN approval.request AS r
    WHERE (g.readable IS NULL OR approval.reads_request(r, g.reader, g.readable, g.voting))
        AND r.type_name = p_definition ->> 'name' AND r.state NOT IN ('pending', 'cancelled', 'expired')
    ORDER BY r.request_id DESC LIMIT p_limit
), stage AS (
    SELECT body, stage_no FROM jsonb_array_elements(p_definition -> 'chain') WITH ORDINALITY AS s (body, stage_no)
), failing AS (
    -- The first stage that the approvals once given would not pass. A person's approval counts at whatever stage it fits.
    SELECT DISTINCT ON (p.request_id) p.request_id, s.stage_no, s.body ->> 'name' AS name
    FROM past AS p
    JOIN stage AS s ON coalesce((s.body ->> 'more_than_minions')::integer, 0) < p.minions
    WHERE NOT EXISTS (
        SELECT FROM jsonb_array_elements(s.body -> 'any_of') AS alternative
        WHERE coalesce((alternative ->> 'quorum')::integer, 1) <= (
            SELECT count(DISTINCT d.counts_for)
            FROM approval.decision AS d
            JOIN approval.membership AS m ON m.principal_id = d.counts_for AND m.group_name = alternative ->> 'group'
            JOIN approval.assurance AS given ON given.assurance = d.assurance
            JOIN approval.assurance AS asked ON asked.assurance = coalesce(s.body ->> 'min_assurance', 'asserted')
            WHERE d.request_id = p.request_id AND d.decision = 'approve' AND given.strength >= asked.strength))
    ORDER BY p.request_id, s.stage_no
)
SELECT p.request_id, p.state, f.request_id IS NULL AND p.state <> 'rejected',
    CASE WHEN p.state = 'rejected' THEN 'it was rejected' WHEN f.request_id IS NOT NULL
        THEN format('stage %s (%s)', f.stage_no, f.name) END
FROM past AS p LEFT JOIN failing AS f USING (request_id)
ORDER BY p.request_id DESC
$$;
COMMENT ON FUNCTION approval.replay_type IS
    'The last requests of a type, of those that the login, or p_reader (see reading_as), may read, as a changed definition would '
    'have made them pass, with the approvals that they had, by today''s memberships; stage: where they would stop. Changes '
    'nothing. Definer: tables are private.';
