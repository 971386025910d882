CREATE OR REPLACE FUNCTION approval.stage_voter(p_request approval.request, p_stage_no integer, p_actor bigint, p_now timestamptz)
    RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT voter.principal_id
FROM (SELECT p_actor AS principal_id, 0 AS preference
      UNION ALL
      SELECT d.from_principal, 1 FROM approval.delegation AS d
      WHERE d.to_principal = p_actor AND d.starts_at <= p_now AND d.ends_at > p_now) AS voter
JOIN approval.principal AS p ON p.principal_id = voter.principal_id
JOIN approval.request_type AS t ON t.type_name = p_request.type_name AND t.type_version = p_request.type_version
WHERE EXISTS (SELECT FROM approval.principal AS a WHERE a.principal_id = p_actor AND a.disabled_at IS NULL)
    AND EXISTS (
        SELECT FROM approval.request_quorum AS q
        CROSS JOIN LATERAL approval.eligible_voters(q.group_name, t.self_approval, p_request.requester_id,
            p_request.on_behalf_of, p_request.request_id) AS e
        WHERE q.request_id = p_request.request_id AND q.stage_no = p_stage_no AND e.principal_id = voter.principal_id)
ORDER BY approval.has_voted(p_request, p_stage_no, voter.principal_id), voter.preference, p.name
LIMIT 1
$$;
COMMENT ON FUNCTION approval.stage_voter IS
    'Internal: the member of the stage''s groups whose vote this principal can give: their own, else one delegated to them, and '
    'one not given yet before one that was. NULL: none, or the principal was disabled.';
