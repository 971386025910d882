CREATE OR REPLACE FUNCTION approval.asked_people(p_request_id bigint)
    RETURNS TABLE (principal text, channel text, address text, why text[], in_stead_of text, stage integer, stage_name text,
                   until timestamptz, until_what text, digest text, assurance_needed text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT p.name, c.channel, c.address,
    ARRAY(SELECT q.group_name FROM approval.request_quorum AS q JOIN approval.membership AS m USING (group_name)
          WHERE q.request_id = r.request_id AND q.stage_no = s.stage_no AND m.principal_id = voter.id ORDER BY 1),
    CASE WHEN voter.id <> c.principal_id THEN (
        SELECT stead.name FROM approval.principal AS stead WHERE stead.principal_id = voter.id) END,
    s.stage_no, s.name, least(r.expires_at, s.started_at + s.timeout),
    CASE WHEN s.started_at + s.timeout < r.expires_at
        THEN coalesce('then ' || s.escalate_to || ' may pass it too', 'then it is rejected') ELSE 'then it expires' END,
    v.digest, s.min_assurance
FROM approval.request AS r
JOIN approval.request_type AS t USING (type_name, type_version)
JOIN approval.item_set AS v ON v.request_id = r.request_id AND v.item_set_version = r.item_set_version
CROSS JOIN LATERAL approval.current_stage(r.request_id) AS s
CROSS JOIN approval.contact AS c
JOIN approval.principal AS p ON p.principal_id = c.principal_id AND p.disabled_at IS NULL
CROSS JOIN LATERAL (SELECT approval.stage_voter(r, s.stage_no, c.principal_id, clock_timestamp()) AS id) AS voter
WHERE r.request_id = p_request_id AND r.state = 'pending' AND r.expires_at > clock_timestamp()
    AND (s.escalate_to IS NOT NULL OR coalesce(s.started_at + s.timeout > clock_timestamp(), true))
    AND (t.self_approval OR c.principal_id NOT IN (r.requester_id, coalesce(r.on_behalf_of, r.requester_id))
        AND NOT approval.is_editor(r.request_id, c.principal_id))
    AND voter.id IS NOT NULL AND NOT approval.has_voted(r, s.stage_no, c.principal_id)
    AND NOT approval.has_voted(r, s.stage_no, voter.id)
    AND coalesce(c.muted_until <= clock_timestamp(), true)
ORDER BY p.name, c.channel
$$;
COMMENT ON FUNCTION approval.asked_people IS
    'The contacts of those who can decide on a pending request now, as their inbox has it: not those who muted them. why: the '
    'groups of the stage that they, or whom they stand in for, are in; until: when the stage''s time or the request''s is over, '
    'and what happens then; digest: of what they decide on. Definer: tables are private.';
