CREATE OR REPLACE FUNCTION approval.open_revert(
    p_requester_id bigint, p_requester text, p_identity text, p_assurance text, p_type approval.request_type, p_request_id bigint,
    p_minions text[], p_reason text, p_source text, p_external_ref text, p_overlap text,
    p_proof jsonb DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target approval.request;
    unknown text;
    restored record;
    new_id bigint;
BEGIN
    PERFORM approval.check_requester(p_type, p_requester_id, p_requester);
    IF p_type.kind <> 'any' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = format('type %s is not for taking requests back', p_type.type_name);
    END IF;
    PERFORM approval.check_reader_of(p_requester_id, p_request_id);
    SELECT * INTO target FROM approval.request WHERE request_id = p_request_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', p_request_id);
    END IF;
    IF target.approved_at IS NULL OR target.state = 'withdrawn' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s is %s: there is nothing to take back', p_request_id, target.state);
    END IF;
    SELECT string_agg(quote_nullable(given.minion_id), ', ') INTO unknown FROM unnest(p_minions) AS given (minion_id)
    WHERE NOT EXISTS (SELECT FROM approval.current_item AS i WHERE i.minion_id = given.minion_id AND i.request_id = p_request_id);
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('request %s does not name minion %s', p_request_id, unknown);
    END IF;
    -- The content before is the value approved before it, else what the minion had before it was applied. Nothing is removed that
    -- is only not known to have been there.
    WITH wish AS MATERIALIZED (
        SELECT i.item_id, i.minion_id, i.kind, i.name, i.before_known, i.minion_id = ANY (p_minions) AS is_named,
            m.removed_at, m.registered_at > i.effective_at AS is_anew, earlier.item_id IS NOT NULL AS was_approved,
            CASE WHEN earlier.item_id IS NOT NULL THEN coalesce(earlier.pinned, earlier.content)
                ELSE i.before_content END AS content
        FROM approval.current_item AS i
        JOIN approval.minion AS m USING (minion_id)
        LEFT JOIN LATERAL (
            SELECT * FROM approval.item AS past
            WHERE past.minion_id = i.minion_id AND past.kind = i.kind AND past.name = i.name
                AND past.state IN ('approved', 'superseded')
                AND (past.effective_at, past.approval_seq) < (i.effective_at, i.approval_seq)
                AND past.effective_at >= m.registered_at
            ORDER BY past.effective_at DESC, past.approval_seq DESC LIMIT 1) AS earlier ON true
        WHERE i.request_id = p_request_id AND i.state IN ('approved', 'superseded')
            AND (p_minions IS NULL OR i.minion_id = ANY (p_minions))
    ), judged AS MATERIALIZED (
        SELECT w.*, CASE
            WHEN w.removed_at IS NOT NULL THEN 'the minion was removed'
            WHEN w.is_anew AND w.is_named IS NOT TRUE
                THEN 'the minion was removed and is known anew since: name it to have this taken back'
            WHEN w.kind = 'action' THEN 'an action cannot be taken back'
            WHEN NOT w.was_approved AND NOT w.before_known THEN 'nothing is known of what was there before'
            WHEN NOT w.was_approved AND w.content IS NULL AND w.kind <> 'package' THEN 'it was not there before'
            WHEN NOT ('*' = ANY (p_type.targets) OR EXISTS (
                SELECT FROM approval.minion_group_member AS m WHERE m.minion_id = w.minion_id
                    AND m.group_name = ANY (p_type.targets)))
                THEN format('requests of type %s may not name this minion', p_type.type_name)
            ELSE approval.refusal_of(w.kind, w.name, coalesce(w.content, 'absent')) END AS refusal
        FROM wish AS w
    ), unlike AS (
        -- Two names of what may be one, of which only one was asked for before, or both as different things: it cannot be both.
        SELECT a.item_id, min(b.name) AS other
        FROM judged AS a
        JOIN judged AS b ON b.minion_id = a.minion_id AND b.kind = a.kind
            AND approval.resource_key(b.kind, b.name) = approval.resource_key(a.kind, a.name)
        WHERE a.refusal IS NULL AND b.refusal IS NULL AND a.name <> b.name AND a.content IS DISTINCT FROM b.content
            AND approval.may_be_one(a.kind, a.name, b.name)
        GROUP BY a.item_id
    ), possible AS (
        SELECT j.item_id, j.minion_id, j.kind, j.name, j.content,
            coalesce(j.refusal, u.other || ' may be the same, and was to be something else') AS refusal
        FROM judged AS j LEFT JOIN unlike AS u USING (item_id)
    )
    SELECT array_agg(minion_id ORDER BY item_id) FILTER (WHERE refusal IS NULL) AS minions,
        array_agg(kind ORDER BY item_id) FILTER (WHERE refusal IS NULL) AS kinds,
        array_agg(name ORDER BY item_id) FILTER (WHERE refusal IS NULL) AS names,
        array_agg(coalesce(content, 'absent') ORDER BY item_id) FILTER (WHERE refusal IS NULL) AS contents,
        array_agg(minion_id ORDER BY item_id) FILTER (WHERE refusal IS NOT NULL) AS left_minions,
        array_agg(kind ORDER BY item_id) FILTER (WHERE refusal IS NOT NULL) AS left_kinds,
        array_agg(name ORDER BY item_id) FILTER (WHERE refusal IS NOT NULL) AS left_names,
        array_agg(refusal ORDER BY item_id) FILTER (WHERE refusal IS NOT NULL) AS refusals
    INTO restored FROM possible;
    IF restored.minions IS NULL AND restored.left_minions IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP015', MESSAGE = format('nothing of request %s can be taken back: %s', p_request_id,
            approval.left_out_text(restored.left_minions, restored.left_kinds, restored.left_names, restored.refusals)),
            HINT = 'Ask for what shall hold there instead.';
    END IF;
    new_id := approval.open_request(
        p_requester_id, p_requester, p_identity, p_assurance, p_type,
        coalesce(nullif(p_reason, ''), format('take back request %s', p_request_id)), restored.minions,
        restored.kinds, restored.names, restored.contents, NULL, p_source, p_external_ref, NULL, p_overlap, p_request_id, NULL,
        NULL, p_proof);
    INSERT INTO approval.request_left_out
    SELECT new_id, l.minion_id, l.kind, l.name, l.refusal
    FROM unnest(restored.left_minions, restored.left_kinds, restored.left_names, restored.refusals)
        AS l (minion_id, kind, name, refusal)
    -- The same reference again is the request that there is.
    ON CONFLICT DO NOTHING;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION approval.open_revert IS
    'Internal: makes a request that takes another one back: the part that all ways of asking for that have in common. See '
    'approval.revert_request; for p_proof approval.open_request.';
