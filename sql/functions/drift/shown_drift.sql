CREATE OR REPLACE FUNCTION approval.shown_drift(p_drift approval.drift) RETURNS jsonb
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT CASE WHEN p_drift.item_id IS NOT NULL THEN jsonb_build_object(
    'observed', p_drift.observed, 'since', p_drift.since, 'last_seen', p_drift.last_seen, 'jid', p_drift.jid,
        'text', p_drift.finding) END
$$;
COMMENT ON FUNCTION approval.shown_drift IS
    'Internal: the observation of a resource that was proven before and is otherwise now, and since when. NULL: it is not.';
