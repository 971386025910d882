CREATE OR REPLACE FUNCTION approval.revert_request(
    p_provider text, p_subject text, p_request_id bigint, p_minions text[], p_reason text, p_type text DEFAULT 'revert') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    wanted approval.request_type;
    target approval.request;
    unknown text;
    restored record;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    wanted := approval.current_type(p_type);
    PERFORM approval.check_requester(wanted, actor.principal_id, actor.name);
    IF wanted.kind <> 'any' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('type %s is not for taking requests back', p_type);
    END IF;
    SELECT * INTO target FROM approval.request WHERE request_id = p_request_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', p_request_id);
    END IF;
    IF target.approved_at IS NULL OR target.state = 'withdrawn' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = format('request %s is %s: there is nothing to take back', p_request_id, target.state);
    END IF;
    SELECT string_agg(quote_nullable(given.minion_id), ', ') INTO unknown FROM unnest(p_minions) AS given (minion_id)
    WHERE NOT EXISTS (SELECT FROM approval.item AS i
                      WHERE i.minion_id = given.minion_id AND i.request_id = p_request_id AND i.item_set_version = target.item_set_version);
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('request %s does not name minion %s', p_request_id, unknown);
    END IF;
    -- What held before: the value approved before it; else what the minion had before it was applied; else it was not there.
    SELECT array_agg(i.minion_id ORDER BY i.item_id) AS minions, array_agg(i.kind ORDER BY i.item_id) AS kinds,
        array_agg(i.name ORDER BY i.item_id) AS names,
        array_agg(CASE WHEN earlier.item_id IS NOT NULL THEN coalesce(earlier.pinned, earlier.content) ELSE i.before_content END
                  ORDER BY i.item_id) AS contents
    INTO restored
    FROM approval.item AS i
    JOIN approval.minion AS m USING (minion_id)
    LEFT JOIN LATERAL (
        SELECT * FROM approval.item AS past
        WHERE past.minion_id = i.minion_id AND past.kind = i.kind AND past.name = i.name
            AND past.state IN ('approved', 'superseded') AND (past.effective_at, past.approval_seq) < (i.effective_at, i.approval_seq)
            AND past.effective_at >= m.registered_at
        ORDER BY past.effective_at DESC, past.approval_seq DESC LIMIT 1) AS earlier ON true
    WHERE i.request_id = p_request_id AND i.item_set_version = target.item_set_version AND i.state IN ('approved', 'superseded')
        -- From a minion that was removed since nothing is taken back, unless it is named.
        AND i.kind <> 'action' AND (i.minion_id = ANY (p_minions)
                                    OR p_minions IS NULL AND m.removed_at IS NULL AND m.registered_at <= i.effective_at)
        AND NOT (i.kind IN ('service', 'value') AND earlier.item_id IS NULL AND i.before_content IS NULL);
    RETURN approval.open_request(
        actor.principal_id, actor.name, p_provider || ':' || p_subject, actor.assurance, wanted,
        coalesce(nullif(p_reason, ''), format('take back request %s', p_request_id)), restored.minions, restored.kinds, restored.names,
        restored.contents, NULL, 'revert', NULL, NULL, NULL, p_request_id, NULL);
END
$$;
COMMENT ON FUNCTION approval.revert_request(text, text, bigint, text[], text, text) IS
    'Asks to restore what held before a request, on all of its minions or these: a request of its own, with its own chain; gives its number. '
    'A package that it introduced becomes absent; a service or value that nothing is known of from before is left alone. Reverting a revert '
    'restores what that took back. Raises AP001-AP006, AP014, AP015, AP018. Definer: nobody writes requests otherwise.';
