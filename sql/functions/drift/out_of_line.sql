CREATE OR REPLACE FUNCTION approval.out_of_line(
    p_limit integer, p_standing text DEFAULT NULL, p_group text DEFAULT NULL, p_after text[] DEFAULT NULL,
    p_reader bigint DEFAULT NULL) RETURNS TABLE (
    minion_id text, standing text, kind text, name text, expected text, observed text, since timestamptz,
    last_seen timestamptz, why text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Planned for what is asked: of one group, or of all.
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    reader constant bigint := approval.reading_as(p_reader);
    readable constant text[] := approval.readable_groups(reader, 'requests');
    valued constant text[] := approval.readable_groups(reader, 'values');
    is_clear constant boolean := approval.sees_sensitive(p_reader);
BEGIN
    RETURN QUERY
    -- Looked up for each deviation, which are few: nobody wants all documents read.
    WITH held AS NOT MATERIALIZED (
        SELECT d.minion_id, d.item_ids FROM approval.document_in_force(now()) AS d
    ), deviation AS (
        SELECT t.minion_id, 'drifting' AS standing, t.kind, t.name, t.expected, t.observed, t.since, t.last_seen, t.finding AS why
        FROM approval.drift AS t JOIN held AS h ON h.minion_id = t.minion_id AND t.item_id = ANY (h.item_ids)
        WHERE t.cleared_at IS NULL
        UNION ALL
        SELECT i.minion_id, 'failed', i.kind, i.name, i.content, i.observed, i.effective_at, NULL, i.outcome_text
        FROM approval.item AS i JOIN held AS h ON h.minion_id = i.minion_id AND i.item_id = ANY (h.item_ids)
        WHERE i.state = 'approved' AND i.outcome IN ('failed', 'drift')
        UNION ALL
        SELECT s.minion_id, 'silent', NULL, NULL, NULL, NULL, s.since, s.asked_at, format(
            'The minion has not returned%s from %s (job %s)%s.',
            CASE s.fun WHEN 'approval.observe' THEN ' evidence' ELSE '' END, s.fun, s.jid,
            CASE WHEN s.missed > 1 THEN format(', nor from %s before', s.missed - 1) ELSE '' END)
        FROM approval.silence AS s JOIN held AS h ON h.minion_id = s.minion_id
    )
    SELECT d.minion_id, d.standing, d.kind, d.name, CASE WHEN v.is_shown THEN d.expected ELSE '•••' END,
        CASE WHEN v.is_shown OR d.observed IS NULL THEN d.observed ELSE '•••' END, d.since, d.last_seen,
        CASE WHEN v.is_shown OR d.why IS NULL THEN d.why ELSE '•••' END
    FROM deviation AS d
    -- Silence of a minion is no value.
    CROSS JOIN LATERAL (
        SELECT d.kind IS NULL OR approval.in_groups(d.minion_id, valued)
            AND (is_clear OR NOT approval.is_sensitive(d.kind, d.name)) AS is_shown) AS v
    WHERE approval.in_groups(d.minion_id, readable) AND (p_standing IS NULL OR d.standing = p_standing)
        AND (p_group IS NULL OR EXISTS (
            SELECT FROM approval.minion_group_member AS m WHERE m.group_name = p_group AND m.minion_id = d.minion_id))
        AND (p_after IS NULL OR (d.since, d.minion_id, d.standing, coalesce(d.kind, ''), coalesce(d.name, ''))
            > (p_after[1]::timestamptz, p_after[2], p_after[3], p_after[4], p_after[5]))
    ORDER BY d.since, d.minion_id, d.standing, coalesce(d.kind, ''), coalesce(d.name, '')
    LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION approval.out_of_line IS
    'Deviations from what is approved, the longest first: resources that drifted, resources that could not be applied (since: when '
    'they should have been), minions that do not return. p_standing, p_group: only those that are drifting, failed or silent, only '
    'of the minions of a group; p_after (since, minion, standing, kind, name; empty texts where there is none): only what comes '
    'behind it, for the next page. p_reader: see reading_as; minions that may not be read are left out, and values that may not '
    'be, or are sensitive (see sees_sensitive), are •••. Definer: tables are private.';
