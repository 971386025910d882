CREATE OR REPLACE FUNCTION approval.renew_requests(p_now timestamptz DEFAULT now()) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    longest_notice constant interval := interval '14 days';
    moment timestamptz := least(p_now, now());
    ending record;
    again approval.request_type;
    items record;
    new_id bigint;
    refusal text;
    renewed integer := 0;
BEGIN
    FOR ending IN
        SELECT r.*, p.name AS requester, p.disabled_at FROM approval.request AS r
        JOIN approval.request_type AS t USING (type_name, type_version)
        JOIN approval.principal AS p ON p.principal_id = r.requester_id
        WHERE r.request_id IN (
                SELECT i.request_id FROM approval.item AS i
                WHERE i.state = 'approved' AND i.expires_at IS NOT NULL AND i.expires_at BETWEEN moment AND moment + longest_notice)
            AND EXISTS (
                SELECT FROM approval.item AS i
                WHERE i.request_id = r.request_id AND i.state = 'approved'
                    AND i.expires_at <= moment + least(t.valid_for / 4, longest_notice))
            AND NOT t.pre_approved AND NOT EXISTS (SELECT FROM approval.request AS next WHERE next.renews = r.request_id)
        ORDER BY r.request_id
        FOR NO KEY UPDATE OF r SKIP LOCKED
    LOOP
        -- Another session may have renewed it since this query began.
        CONTINUE WHEN EXISTS (SELECT FROM approval.request AS next WHERE next.renews = ending.request_id);
        -- One that fails, say as a minion left the type's targets, keeps no other from being renewed.
        BEGIN
            IF ending.disabled_at IS NOT NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'AP001', MESSAGE = format('%s was disabled', ending.requester);
            END IF;
            again := approval.current_type(ending.type_name);
            PERFORM approval.check_requester(again, ending.requester_id, ending.requester);
            IF again.pre_approved THEN
                RAISE EXCEPTION USING ERRCODE = 'AP005',
                    MESSAGE = format('nobody would be asked: type %s needs no approval any more', ending.type_name);
            END IF;
            -- If they cannot be asked for together, each is judged alone, but for names of what may be one.
            WITH held AS MATERIALIZED (
                SELECT i.item_id, i.minion_id, i.kind, i.name, coalesce(i.pinned, approval.asked_content(i), 'absent') AS content,
                    i.expires_at, approval.resource_key(i.kind, i.name) AS key
                FROM approval.item AS i WHERE i.request_id = ending.request_id AND i.state = 'approved'
            ), whole AS MATERIALIZED (
                SELECT approval.refusal_of_items(again, array_agg(h.minion_id), array_agg(h.kind), array_agg(h.name),
                                                 array_agg(h.content)) IS NOT NULL AS is_refused
                FROM held AS h
            ), alone AS MATERIALIZED (
                SELECT h.minion_id, h.kind, h.key, CASE WHEN w.is_refused THEN approval.refusal_of_items(
                    again, array_agg(h.minion_id), array_agg(h.kind), array_agg(h.name), array_agg(h.content)) END AS refusal
                FROM held AS h, whole AS w GROUP BY h.minion_id, h.kind, h.key, w.is_refused
            )
            SELECT max(h.expires_at) AS expires_at,
                array_agg(h.minion_id ORDER BY h.item_id) FILTER (WHERE a.refusal IS NULL) AS minions,
                array_agg(h.kind ORDER BY h.item_id) FILTER (WHERE a.refusal IS NULL) AS kinds,
                array_agg(h.name ORDER BY h.item_id) FILTER (WHERE a.refusal IS NULL) AS names,
                array_agg(h.content ORDER BY h.item_id) FILTER (WHERE a.refusal IS NULL) AS contents,
                array_agg(h.minion_id ORDER BY h.item_id) FILTER (WHERE a.refusal IS NOT NULL) AS left_minions,
                array_agg(h.kind ORDER BY h.item_id) FILTER (WHERE a.refusal IS NOT NULL) AS left_kinds,
                array_agg(h.name ORDER BY h.item_id) FILTER (WHERE a.refusal IS NOT NULL) AS left_names,
                array_agg(a.refusal ORDER BY h.item_id) FILTER (WHERE a.refusal IS NOT NULL) AS refusals
            INTO items FROM held AS h JOIN alone AS a USING (minion_id, kind, key);
            refusal := approval.left_out_text(items.left_minions, items.left_kinds, items.left_names, items.refusals);
            IF items.minions IS NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'AP015', MESSAGE = format('nothing of it can be asked for any more: %s', refusal);
            END IF;
            new_id := approval.open_request(
                ending.requester_id, ending.requester, NULL, 'asserted', again,
                format('renewal of request %s, which ends %s', ending.request_id,
                       to_char(items.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')),
                items.minions, items.kinds, items.names, items.contents, NULL, 'renewal', NULL, ending.on_behalf_of,
                NULL, NULL, ending.request_id);
            IF refusal IS NOT NULL THEN
                INSERT INTO approval.request_left_out
                SELECT new_id, l.minion_id, l.kind, l.name, l.reason
                FROM unnest(items.left_minions, items.left_kinds, items.left_names, items.refusals)
                    AS l (minion_id, kind, name, reason);
                PERFORM approval.audit_append(ending.request_id, now(), 'renewal-refused', NULL, NULL, NULL, jsonb_build_object(
                    'because', refusal, 'renewal', new_id, 'left_out', (
                        SELECT jsonb_agg(to_jsonb(l) ORDER BY l.minion COLLATE "C", l.kind, l.name)
                        FROM unnest(items.left_minions, items.left_kinds, items.left_names, items.refusals)
                            AS l (minion, kind, name, reason))));
            END IF;
            renewed := renewed + 1;
        EXCEPTION WHEN OTHERS THEN
            refusal := SQLERRM;
            -- Another try may do what failed for want of a lock, memory or disk: that is no refusal.
            IF left(SQLSTATE, 2) IN ('40', '53', '55', '57', '58') THEN
                RAISE WARNING 'request % could not be renewed now: %', ending.request_id, refusal;
            ELSIF NOT EXISTS (SELECT FROM approval.audit_entry WHERE stream = ending.request_id AND act = 'renewal-refused') THEN
                PERFORM approval.audit_append(ending.request_id, now(), 'renewal-refused', NULL, NULL, NULL,
                                              jsonb_build_object('because', refusal));
            END IF;
        END;
    END LOOP;
    RETURN renewed;
END
$$;
COMMENT ON FUNCTION approval.renew_requests IS
    'Asks anew, in the requester''s name, for what an approval with an end still holds: a quarter of its validity before, at most '
    'two weeks. An item that cannot be asked for any more is left out: it is in approval.request_left_out, and in the trail of '
    'what ends. Gives how many requests it made; one that fails, say as its requester was disabled, is noted in its trail, and '
    'the others go on. p_now later than the present counts as the present. Definer: nobody writes requests otherwise.';
