CREATE OR REPLACE FUNCTION approval.shown_item(p_item approval.item, p_standing text, p_drift approval.drift,
    p_dispatch approval.dispatch)
    RETURNS jsonb
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT jsonb_build_object(
    'minion', p_item.minion_id, 'kind', p_item.kind, 'name', p_item.name, 'type', p_item.type, 'value', CASE
        WHEN p_item.kind = 'action' THEN approval.item_arguments(p_item) ELSE p_item.content END,
    'pinned', p_item.pinned, 'state', p_item.state, 'effective_at', p_item.effective_at,
    'expires_at', p_item.expires_at, 'outcome', p_item.outcome, 'standing', p_standing, 'applied_at', p_item.applied_at,
    'observed', p_item.observed, 'text', p_item.outcome_text, 'jid', p_item.outcome_jid,
    'before', CASE WHEN p_item.before_known THEN jsonb_build_object('value', p_item.before_content) END,
    'drift', approval.shown_drift(p_drift),
    'sent', CASE WHEN p_dispatch.item_id IS NOT NULL THEN jsonb_build_object(
        'state', p_dispatch.state, 'at', p_dispatch.sent_at, 'jid', p_dispatch.jid, 'ended_at', p_dispatch.ended_at,
        'text', p_dispatch.reason) END)
$$;
COMMENT ON FUNCTION approval.shown_item IS 'Internal: a row of approval.request_items as approval.show_request tells it.';
