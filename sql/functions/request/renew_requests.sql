CREATE OR REPLACE FUNCTION approval.renew_requests(p_now timestamptz DEFAULT now()) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    longest_notice constant interval := interval '14 days';
    moment timestamptz := least(p_now, now());
    ending record;
    again approval.request_type;
    items record;
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
            SELECT array_agg(minion_id ORDER BY item_id) AS minions, array_agg(kind ORDER BY item_id) AS kinds,
                array_agg(name ORDER BY item_id) AS names,
                array_agg(coalesce(pinned, approval.asked_content(i), 'absent') ORDER BY item_id) AS contents,
                max(i.expires_at) AS expires_at
            INTO items FROM approval.item AS i WHERE i.request_id = ending.request_id AND i.state = 'approved';
            PERFORM approval.open_request(
                ending.requester_id, ending.requester, NULL, 'asserted', again,
                format('renewal of request %s, which ends %s', ending.request_id,
                to_char(items.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')), items.minions, items.kinds, items.names,
                items.contents, NULL, 'renewal', NULL, ending.on_behalf_of, NULL, NULL, ending.request_id);
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
    'two weeks. Gives how many requests it made; one that fails, say as its requester was disabled, is noted in its trail, and the '
    'others go on. p_now later than the present counts as the present. Definer: nobody writes requests otherwise.';
