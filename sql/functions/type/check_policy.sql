CREATE OR REPLACE FUNCTION approval.check_policy(p_reader bigint DEFAULT NULL)
    RETURNS TABLE (severity text, subject text, problem text, remedy text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Compiling it takes a second where there are many requests, and running it some milliseconds.
    SET jit = off AS $$
WITH stage AS (
    SELECT t.type_name, s.stage_no, s.name, q.group_name, q.quorum, (
        SELECT count(*) FROM approval.eligible_voters(q.group_name, true, NULL, NULL, NULL)) AS members
    FROM approval.newest_type AS t
    JOIN approval.request_type_stage AS s USING (type_name, type_version)
    JOIN approval.request_type_quorum AS q USING (type_name, type_version, stage_no)
), empty AS (
    -- Those of types that were just loaded are told of in one row.
    SELECT s.* FROM stage AS s
    WHERE (s.type_name, s.stage_no) IN (SELECT a.type_name, a.stage_no FROM stage AS a GROUP BY 1, 2 HAVING bool_and(a.members = 0))
)
SELECT 'error', format('types %s', string_agg(DISTINCT e.type_name, ', ' ORDER BY e.type_name)),
    format('nobody can approve such requests, as these groups have no members: %s. '
           'Give them members in your policy file, and load it',
           string_agg(DISTINCT e.group_name, ', ' ORDER BY e.group_name)), 'salt-approval policy load FILE'
FROM empty AS e HAVING count(*) > 0
UNION ALL
SELECT 'error', format('type %s, stage %s (%s)', type_name, stage_no, name),
    'no group can reach its quorum: requests of this type are blocked (' ||
        string_agg(format('%s has %s of %s', group_name, members, quorum), ', ' ORDER BY group_name) || ')',
    'Add members to one of these groups: salt-approval policy load.'
FROM stage GROUP BY type_name, stage_no, name HAVING bool_and(members < quorum) AND NOT bool_and(members = 0)
UNION ALL
SELECT 'warning', format('type %s, stage %s (%s)', type_name, stage_no, name),
    'a request by a member is blocked, as nobody may approve their own (' ||
        string_agg(format('%s has %s of %s', group_name, members, quorum), ', ' ORDER BY group_name) || ')',
    'Add one more member to one of these groups.'
FROM stage GROUP BY type_name, stage_no, name HAVING bool_and(members <= quorum) AND NOT bool_and(members < quorum)
UNION ALL
SELECT 'warning', format('principal %s', p.name), 'it has no identity, so it cannot act', 'Give it one, or disable it.'
FROM approval.principal AS p
WHERE p.disabled_at IS NULL AND NOT EXISTS (SELECT FROM approval.identity AS i WHERE i.principal_id = p.principal_id)
UNION ALL
SELECT 'warning', format('principals %s', string_agg(format('%L', p.name), ' and ' ORDER BY p.name COLLATE "C")),
    'their names look alike, so one may be taken for the other', 'If they are one person, disable one; else rename one.'
FROM approval.principal AS p WHERE p.disabled_at IS NULL GROUP BY approval.looks(p.name) HAVING count(*) > 1
UNION ALL
SELECT 'error', format('calendar %s', c.calendar_name),
    'no opening of it is worked out ahead: what waits for it is held back for good',
    'salt-approval policy load works out the openings of the next year.'
FROM approval.calendar AS c
WHERE NOT EXISTS (SELECT FROM approval.calendar_span AS s WHERE s.calendar_name = c.calendar_name AND s.ends_at > now())
UNION ALL
SELECT 'warning', format('request %s', r.request_id),
    format('it awaits its review by %s since %s', t.review_group, r.approved_at::date),
    'Somebody of that group who had no part in it: salt-approval review.'
FROM approval.request AS r JOIN approval.request_type AS t USING (type_name, type_version)
WHERE t.review_group IS NOT NULL AND r.approved_at IS NOT NULL AND r.review_at IS NULL
    AND approval.may_read(approval.reading_as(p_reader), 'requests', r.request_id)
UNION ALL
SELECT 'warning', format('speaker %s', s.login),
    format('there is no such login or role; one made with this name could act as %s:', s.provider),
    'Take it out of the policy (speakers), or make the login.'
FROM approval.speaks_for AS s WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = s.login)
UNION ALL
SELECT 'warning', format('type %s, stage %s (%s)', t.type_name, s.stage_no, s.name),
    format('no login speaks for %s, so no ticket there can decide', string_agg(site, ', ' ORDER BY site)),
    'Correct the stage (accept), or name the login in the policy (speakers).'
FROM approval.newest_type AS t JOIN approval.request_type_stage AS s USING (type_name, type_version), unnest(s.accept) AS site
WHERE NOT EXISTS (SELECT FROM approval.speaks_for AS f WHERE f.provider = site)
GROUP BY t.type_name, s.stage_no, s.name
UNION ALL
SELECT 'warning', format('readers of %s', r.what),
    format('nobody may read them of %s: %s', coalesce(r.minion_group, 'all minions'),
           CASE count(*) WHEN 1 THEN format('the group %s has no members', min(r.group_name))
               ELSE format('the groups %s have no members', string_agg(r.group_name, ', ' ORDER BY r.group_name)) END),
    'Give them members, or name others in your policy file (readers): salt-approval policy load.'
FROM approval.reader AS r
GROUP BY r.what, r.minion_group
HAVING NOT EXISTS (
    SELECT FROM approval.membership AS m JOIN approval.principal AS p USING (principal_id)
    WHERE p.disabled_at IS NULL AND m.group_name = ANY (array_agg(r.group_name)))
UNION ALL
SELECT 'error', 'request types', 'there are none: nothing can be requested', 'salt-approval policy load FILE'
WHERE NOT EXISTS (SELECT FROM approval.request_type)
ORDER BY 1, 2
$$;
COMMENT ON FUNCTION approval.check_policy IS
    'Parts of the policy that cannot work: severity (error, warning), what it is about, the problem, how to mend it; of requests '
    'those that the login, or p_reader (see reading_as), may read. Definer: tables are private.';
