CREATE OR REPLACE FUNCTION approval.why(p_minion_id text, p_kind text, p_name text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM approval.minion WHERE minion_id = p_minion_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('unknown minion: %s', quote_nullable(p_minion_id));
    END IF;
    WITH story AS (
        SELECT i.*, r.type_name, r.reason, r.state AS request_state, r.approved_at, r.break_glass_at, p.name AS requester,
            CASE
                WHEN i.state = 'proposed' THEN 'waits for approval'
                WHEN in_force.item_id IS NOT NULL THEN 'in force'
                WHEN i.state = 'approved' AND i.effective_at > now() THEN 'due later'
                WHEN i.state = 'approved' AND i.applied_at IS NULL THEN 'held back or overtaken'
                ELSE i.state END AS standing
        FROM approval.item AS i
        JOIN approval.request AS r USING (request_id)
        JOIN approval.principal AS p ON p.principal_id = r.requester_id
        LEFT JOIN LATERAL (
            SELECT i.item_id FROM approval.document AS d
            WHERE d.minion_id = i.minion_id AND d.valid_from <= now() AND d.valid_until > now() AND i.item_id = ANY (d.item_ids)) AS in_force
            ON true
        WHERE i.minion_id = p_minion_id AND i.kind = p_kind AND i.name = p_name AND i.state <> 'void'
    )
    SELECT jsonb_build_object('minion', p_minion_id, 'kind', p_kind, 'name', p_name,
        'in_force', (SELECT s.request_id FROM story AS s WHERE s.standing = 'in force'),
        'requests', coalesce(jsonb_agg(jsonb_build_object(
            'request', s.request_id, 'type', s.type_name, 'standing', s.standing, 'value', coalesce(s.pinned, s.content), 'what', s.type,
            'requester', s.requester, 'reason', s.reason, 'approved_at', s.approved_at, 'effective_at', s.effective_at,
            'expires_at', s.expires_at, 'applied_at', s.applied_at, 'observed', s.observed, 'break_glass_at', s.break_glass_at,
            'before', CASE WHEN s.before_known THEN jsonb_build_object('value', s.before_content) END,
            'decided_by', (
                SELECT coalesce(jsonb_agg(format('%s %s at stage %s (%s)', who.name, d.decision, d.stage_no, d.assurance)
                                          ORDER BY d.decided_at), '[]')
                FROM approval.decision AS d JOIN approval.principal AS who USING (principal_id) WHERE d.request_id = s.request_id))
            ORDER BY s.effective_at DESC NULLS FIRST, s.approval_seq DESC NULLS FIRST, s.request_id DESC), '[]'))
    INTO result FROM story AS s;
    RETURN result;
END
$$;
COMMENT ON FUNCTION approval.why(text, text, text) IS
    'Why a minion has a resource as it has: every request about it, newest first: which is in force, who decided, since when, what it '
    'replaced, what comes next. Raises AP004. Definer: tables are private.';
