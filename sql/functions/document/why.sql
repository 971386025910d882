CREATE OR REPLACE FUNCTION approval.why(p_minion_id text, p_kind text, p_name text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    reader constant bigint := approval.reading_as();
    readable constant text[] := approval.readable_groups(reader, 'requests');
    voting constant text[] := approval.voting_groups(reader);
    result jsonb;
BEGIN
    IF p_kind IS NULL OR p_kind NOT IN ('package', 'service', 'value', 'action') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%L is not a kind of resource', p_kind),
            HINT = 'Kinds are package, service, value and action.';
    END IF;
    IF NOT EXISTS (SELECT FROM approval.minion AS m
                   WHERE m.minion_id = p_minion_id AND approval.in_groups(m.minion_id, readable)) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('unknown minion: %s', quote_nullable(p_minion_id));
    END IF;
    WITH story AS (
        SELECT i.*, approval.item_arguments(i) AS value, r.type_name, r.reason, r.state AS request_state, r.approved_at,
            r.break_glass_at, p.name AS requester, held.until, held.by, f AS drift,
            CASE WHEN held.until IS NULL THEN winner.request_id END AS overtaken_by,
            CASE
                WHEN i.state = 'proposed' THEN 'waits for approval'
                WHEN in_force.item_id IS NOT NULL THEN 'in force'
                WHEN i.state <> 'approved' THEN i.state
                WHEN i.effective_at > moment THEN 'due later'
                WHEN held.until IS NOT NULL THEN 'held back'
                WHEN winner.request_id IS NOT NULL THEN 'overtaken'
                ELSE i.state END AS standing
        FROM approval.item AS i
        JOIN approval.request AS r USING (request_id)
        JOIN approval.principal AS p ON p.principal_id = r.requester_id
        LEFT JOIN LATERAL (
            SELECT i.item_id FROM approval.document_in_force(moment) AS d
            WHERE d.minion_id = i.minion_id AND i.item_id = ANY (d.item_ids)) AS in_force ON true
        LEFT JOIN LATERAL approval.held_back(i.minion_id, i.item_id, moment) AS held ON i.state = 'approved'
        LEFT JOIN approval.drift AS f ON f.minion_id = i.minion_id AND f.item_id = i.item_id AND f.cleared_at IS NULL
            AND i.state = 'approved'
        -- The one that is in force instead, though nothing has proven it yet.
        LEFT JOIN LATERAL (
            SELECT w.request_id FROM approval.document_in_force(moment) AS d
            JOIN approval.item AS w ON w.minion_id = d.minion_id AND w.item_id = ANY (d.item_ids) AND w.kind = i.kind
                AND w.name = i.name
            WHERE d.minion_id = i.minion_id AND w.item_id <> i.item_id) AS winner
            ON i.state = 'approved'
        WHERE i.minion_id = p_minion_id AND i.kind = p_kind AND i.name = p_name AND i.state <> 'void'
            AND (readable IS NULL OR approval.reads_request(r, reader, readable, voting))
    )
    SELECT jsonb_build_object('minion', p_minion_id, 'kind', p_kind, 'name', p_name,
        'in_force', (SELECT s.request_id FROM story AS s WHERE s.standing = 'in force'),
        'catch_up', (SELECT jsonb_build_object('started_at', c.started_at, 'text', approval.catch_up_text(c))
                     FROM approval.catch_up AS c WHERE c.minion_id = p_minion_id AND c.state <> 'ended' AND p_kind <> 'action'),
        'requests', coalesce(jsonb_agg(jsonb_build_object(
            'request', s.request_id, 'type', s.type_name, 'standing', s.standing,
            'value', coalesce(s.pinned, s.value), 'what', s.type,
            'outcome', CASE WHEN (s.drift).item_id IS NULL THEN s.outcome ELSE 'drifted' END,
            'drift', approval.shown_drift(s.drift),
            'held', CASE WHEN s.until IS NOT NULL THEN jsonb_build_object('until', nullif(s.until, 'infinity'), 'by', s.by) END,
            'overtaken_by', s.overtaken_by,
            'requester', s.requester, 'reason', s.reason, 'approved_at', s.approved_at, 'effective_at', s.effective_at,
            'expires_at', s.expires_at, 'applied_at', s.applied_at, 'observed', s.observed, 'break_glass_at', s.break_glass_at,
            'before', CASE WHEN s.before_known THEN jsonb_build_object('value', s.before_content) END,
            'decided_by', (
                SELECT coalesce(jsonb_agg(format(
                    '%s by %s at stage %s (%s)', CASE d.decision WHEN 'approve' THEN 'approved' ELSE 'rejected' END, who.name,
                        d.stage_no, d.assurance)
                                          ORDER BY d.decided_at), '[]')
                FROM approval.decision AS d JOIN approval.principal AS who USING (principal_id) WHERE d.request_id = s.request_id))
            ORDER BY s.effective_at DESC NULLS FIRST, s.approval_seq DESC NULLS FIRST, s.request_id DESC), '[]'))
    INTO result FROM story AS s;
    IF NOT approval.in_groups(p_minion_id, approval.readable_groups(reader, 'values'))
        OR approval.is_sensitive(p_kind, p_name) AND NOT approval.sees_sensitive() THEN
        result := approval.hidden(result, '{value,observed,text}');
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION approval.why IS
    'Why a minion has a resource as it has: every request about it, newest first: which is in force, who decided, since when, '
    'what it replaced, what comes next; what holds one back and until when, by which one it is overtaken, and since when it '
    'drifted; catch_up: how far it is in being brought in line after its start. Requests that the login may not read are left '
    'out, and values are ••• where it may not read those, or they are sensitive (see sees_sensitive). Raises AP004, '
    'AP005. Definer: tables are private.';
