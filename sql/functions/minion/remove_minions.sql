CREATE OR REPLACE FUNCTION approval.remove_minions(p_provider text, p_subject text, p_minions text[], p_comment text)
    RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    removed text[] := ARRAY(SELECT DISTINCT given.minion_id FROM unnest(p_minions) AS given (minion_id) ORDER BY given.minion_id);
    ended_by constant text := 'the minion was removed';
    actor record;
    unknown text;
    moment timestamptz;
    concerned bigint[];
    one bigint;
    current_state text;
    drifted jsonb;
    silent text[];
BEGIN
    -- An administrator of the policy needs no identity, here as in all else that they do.
    IF p_provider = 'pg' AND p_subject = session_user::text AND pg_has_role(session_user, 'approval_policy_admin', 'MEMBER') THEN
        SELECT NULL::text AS name, 'authenticated'::text AS assurance INTO actor;
    ELSE
        actor := approval.acting_principal(p_provider, p_subject);
    END IF;
    -- Requests before their minions, as whoever decides locks them.
    PERFORM FROM approval.request AS r
    WHERE r.request_id IN (SELECT i.request_id FROM approval.item AS i
                           WHERE i.minion_id = ANY (removed) AND i.state IN ('proposed', 'approved'))
    ORDER BY r.request_id FOR NO KEY UPDATE;
    moment := approval.lock_minions(removed);
    SELECT string_agg(quote_nullable(missing.minion_id), ', ') INTO unknown
    FROM (SELECT u.minion_id FROM approval.unknown_minions(removed) AS u (minion_id) ORDER BY u.minion_id LIMIT 5) AS missing;
    IF unknown IS NOT NULL OR cardinality(removed) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = coalesce('unknown minion: ' || unknown, 'no minion is named'),
            HINT = 'Name minions that are known; salt-approval minion list has them.';
    END IF;
    UPDATE approval.minion SET removed_at = moment WHERE minion_id = ANY (removed);

    -- Of what was applied it stays true that it was, so requests count it on.
    WITH ended AS (
        UPDATE approval.item AS i
        SET state = CASE i.state WHEN 'proposed' THEN 'void' ELSE 'superseded' END,
            outcome_text = CASE WHEN i.outcome = 'converged' THEN i.outcome_text ELSE ended_by END
        WHERE i.minion_id = ANY (removed) AND i.state IN ('proposed', 'approved')
        RETURNING i.request_id
    )
    SELECT array_agg(DISTINCT request_id ORDER BY request_id) INTO concerned FROM ended;
    UPDATE approval.dispatch AS d
    SET state = CASE WHEN d.jid IS NULL THEN 'unsent' ELSE 'silent' END, state_at = moment, ended_at = moment, reason = ended_by
    WHERE d.minion_id = ANY (removed) AND d.ended_at IS NULL;
    -- An empty document and not none: readers that keep a copy follow what was written, and would keep the old one.
    PERFORM approval.rewrite_documents(
        ARRAY(SELECT DISTINCT d.minion_id FROM approval.document AS d WHERE d.minion_id = ANY (removed)), moment);
    drifted := approval.open_drift(removed);
    UPDATE approval.drift SET cleared_at = moment WHERE minion_id = ANY (removed) AND cleared_at IS NULL;
    WITH gone AS (
        DELETE FROM approval.silence AS s WHERE s.minion_id = ANY (removed) RETURNING s.minion_id
    )
    SELECT array_agg(g.minion_id) INTO silent FROM gone AS g WHERE NOT drifted ? g.minion_id;
    DELETE FROM approval.minion_check WHERE minion_id = ANY (removed);
    DELETE FROM approval.catch_up WHERE minion_id = ANY (removed);
    DELETE FROM approval.minion_fact WHERE minion_id = ANY (removed);
    DELETE FROM approval.catalog_ask WHERE minion_id = ANY (removed);
    DELETE FROM approval.catalog_member WHERE minion_id = ANY (removed);
    DELETE FROM approval.reinstall WHERE minion_id = ANY (removed) AND state <> 'converged';

    PERFORM approval.audit_append(0, moment, 'minions-removed', actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('minions', removed, 'comment', coalesce(p_comment, '')));
    FOREACH one IN ARRAY coalesce(concerned, '{}') LOOP
        PERFORM approval.audit_append(one, moment, 'minions-removed', actor.name, p_provider || ':' || p_subject, actor.assurance,
            jsonb_build_object('comment', coalesce(p_comment, ''), 'minions', (
                SELECT jsonb_agg(DISTINCT i.minion_id) FROM approval.item AS i
                WHERE i.request_id = one AND i.minion_id = ANY (removed))));
        SELECT state INTO STRICT current_state FROM approval.request WHERE request_id = one FOR NO KEY UPDATE;
        IF current_state <> 'pending' THEN
            PERFORM approval.settle_request(one, moment);
        ELSIF NOT EXISTS (SELECT FROM approval.item WHERE request_id = one AND state = 'proposed') THEN
            PERFORM approval.close_pending(one, 'cancelled', moment);
            PERFORM approval.audit_append(one, moment, 'cancelled', NULL, NULL, NULL,
                                          jsonb_build_object('because', 'all its minions were removed'));
        END IF;
    END LOOP;
    PERFORM approval.tell_drift(drifted, '{}', moment);
    PERFORM approval.tell_silence(silent, moment);
    RETURN cardinality(removed);
END
$$;
COMMENT ON FUNCTION approval.remove_minions IS
    'Makes minions unknown, by the identity (provider, subject), or by the own login of who administers the policy: nothing is '
    'approved for them any more, what was asked for or approved ends (items void or superseded; a request of theirs alone '
    'cancelled or settled), what they return proves nothing. All that happened before stays. Gives how many. Raises AP001, AP002, '
    'AP004 (unknown, removed before, or none named), AP020. Definer: tables are private.';
