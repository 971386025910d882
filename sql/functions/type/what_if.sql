CREATE OR REPLACE FUNCTION approval.what_if(p_type text, p_requester text, p_minions integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted approval.request_type := approval.current_type(p_type);
    asker bigint := (SELECT p.principal_id FROM approval.principal AS p WHERE p.name = p_requester);
BEGIN
    RETURN jsonb_build_object('type', p_type, 'version', wanted.type_version, 'requester', p_requester,
        'pre_approved', wanted.pre_approved, 'may_request', '*' = ANY (wanted.requesters) OR EXISTS (
            SELECT FROM approval.membership AS m WHERE m.principal_id = asker AND m.group_name = ANY (wanted.requesters)),
        'stages', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'stage', s.stage_no, 'name', s.name, 'min_assurance', s.min_assurance, 'timeout', s.timeout,
                'escalate_to', s.escalate_to, 'accept', s.accept, 'any_of', (
                    SELECT jsonb_agg(jsonb_build_object('group', q.group_name, 'quorum', q.quorum, 'approvers', able.names,
                                                        'possible', cardinality(able.names) >= q.quorum,
                                                        'excluded', able.excluded) ORDER BY q.group_name)
                    FROM approval.request_type_quorum AS q
                    CROSS JOIN LATERAL (
                        SELECT ARRAY(SELECT p.name FROM approval.eligible_voters(q.group_name, wanted.self_approval,
                            asker, NULL, NULL) AS p
                                     ORDER BY p.name) AS names,
                               NOT wanted.self_approval AND EXISTS (
                                   SELECT FROM approval.eligible_voters(q.group_name, true, NULL, NULL, NULL) AS p
                                   WHERE p.principal_id = asker) AS excluded) AS able
                    WHERE q.type_name = s.type_name AND q.type_version = s.type_version AND q.stage_no = s.stage_no))
                ORDER BY s.stage_no), '[]')
            FROM approval.request_type_stage AS s
            WHERE s.type_name = wanted.type_name AND s.type_version = wanted.type_version AND s.more_than_minions < p_minions));
END
$$;
COMMENT ON FUNCTION approval.what_if IS
    'The approvers of a request of a type over so many minions, made by this principal; excluded: the requester is of that group, '
    'and cannot approve it. Raises AP003. Definer: tables are private.';
