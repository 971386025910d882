CREATE OR REPLACE FUNCTION approval.show_minion_by_session(p_token bytea, p_minion_id text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown_requests constant integer := 50;
    shown jsonb;
    reader bigint;
    readable text[];
    actor record;
BEGIN
    actor := approval.acting_by_session(p_token, 'read');
    reader := approval.reading_as(actor.principal_id);
    readable := approval.readable_groups(reader, 'requests');
    shown := approval.show_state(p_minion_id, actor.principal_id);
    RETURN shown || (
        SELECT jsonb_build_object('registered_at', m.registered_at, 'removed_at', m.removed_at, 'os', f.os,
            'os_release', f.os_release, 'salt_version', f.salt_version, 'seen_at', f.seen_at,
            'groups', ARRAY(
                SELECT g.group_name FROM approval.minion_group_member AS g WHERE g.minion_id = p_minion_id ORDER BY g.group_name),
            'silence', (
                SELECT jsonb_build_object('since', s.since, 'fun', s.fun, 'jid', s.jid, 'missed', s.missed)
                FROM approval.silence AS s WHERE s.minion_id = p_minion_id),
            'catch_up', (
                SELECT jsonb_build_object('started_at', c.started_at, 'text', approval.catch_up_text(c))
                FROM approval.catch_up AS c WHERE c.minion_id = p_minion_id AND c.state <> 'ended'),
            'reinstall', (
                SELECT to_jsonb(r) FROM approval.list_reinstalls(p_minion_id, 1, reader) AS r WHERE r.state <> 'converged'),
            'requests', (
                SELECT coalesce(jsonb_agg(jsonb_build_object('request', r.request_id, 'type', r.type_name, 'state', r.state,
                    'requester', p.name, 'submitted_at', r.submitted_at, 'reason', r.reason, 'items', o.items,
                    'waiting_for', approval.waiting_for(r.request_id)) ORDER BY r.request_id DESC), '[]')
                FROM (SELECT i.request_id, count(*) AS items FROM approval.current_item AS i
                      WHERE i.minion_id = p_minion_id AND i.state IN ('proposed', 'approved') AND i.outcome <> 'converged'
                          AND (readable IS NULL OR approval.may_read(reader, 'requests', i.request_id))
                      GROUP BY i.request_id ORDER BY i.request_id DESC LIMIT shown_requests) AS o
                JOIN approval.request AS r USING (request_id)
                JOIN approval.principal AS p ON p.principal_id = r.requester_id))
        FROM approval.minion AS m
        LEFT JOIN approval.minion_fact AS f USING (minion_id)
        WHERE m.minion_id = p_minion_id);
END
$$;
COMMENT ON FUNCTION approval.show_minion_by_session IS
    'The state of a minion as approval.show_state has it, for a person with a session; and besides its system, its groups, '
    'whether it is silent, to be caught up or installed anew, and the newest fifty requests that they may read and that want '
    'something of it which is not proven yet. Raises AP001, AP002, AP004, AP020-AP022. Definer: tables are private.';
