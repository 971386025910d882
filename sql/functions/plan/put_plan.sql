CREATE OR REPLACE FUNCTION approval.put_plan(p_provider text, p_subject text, p_request_id bigint, p_digest text, p_answers jsonb)
    RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    actor record;
    target approval.request;
    planned approval.item_set;
    stranger text;
    new_no integer;
    plan_digest text;
    shown_changes constant integer := 200;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    target := approval.lock_request(p_request_id);
    moment := clock_timestamp();
    IF target.state <> 'pending' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s is %s: there is nothing left to plan', p_request_id, target.state);
    END IF;
    SELECT * INTO STRICT planned FROM approval.item_set WHERE request_id = p_request_id
        AND item_set_version = target.item_set_version;
    IF p_digest IS DISTINCT FROM planned.digest THEN
        RAISE EXCEPTION USING ERRCODE = 'AP011',
            MESSAGE = format('request %s is not what was planned: its items were amended', p_request_id),
            HINT = 'Plan it again.';
    END IF;
    IF jsonb_typeof(p_answers) IS DISTINCT FROM 'array' OR jsonb_array_length(p_answers) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP015', MESSAGE = 'the plan is of no minion';
    END IF;
    SELECT min(answer.minion) INTO stranger FROM jsonb_to_recordset(p_answers) AS answer (minion text)
    WHERE NOT EXISTS (SELECT FROM approval.current_item AS i WHERE i.minion_id = answer.minion AND i.request_id = p_request_id);
    IF stranger IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('request %s does not name minion %L', p_request_id, stranger);
    END IF;
    SELECT approval.salted_digest('sha256:' || encode(sha256(
        approval.field('apv1-plan') || approval.field(p_digest)
        || string_agg(approval.field(answer.minion) || approval.field(answer.outcome) || approval.field(answer.changes::text)
                      || approval.field(answer.comment), ''::bytea ORDER BY answer.minion COLLATE "C")), 'hex'), planned.salt)
    INTO plan_digest
    FROM jsonb_to_recordset(p_answers) AS answer (minion text, outcome text, changes jsonb, comment text);
    SELECT coalesce(max(plan_no), 0) + 1 INTO new_no FROM approval.request_plan WHERE request_id = p_request_id;
    INSERT INTO approval.request_plan
        (request_id, plan_no, item_set_version, planned_at, planned_by, minion_count, digest, outcomes, changes)
    SELECT p_request_id, new_no, target.item_set_version, moment, actor.name, planned.minion_count, plan_digest, (
            SELECT jsonb_object_agg(tally.outcome, tally.count)
            FROM (SELECT answer.outcome, count(*) AS count FROM jsonb_to_recordset(p_answers) AS answer (outcome text)
                  WHERE answer.outcome IS NOT NULL GROUP BY answer.outcome) AS tally),
        coalesce(jsonb_agg(to_jsonb(change) ORDER BY change.asked_for DESC, change.name), '[]')
    FROM (
        SELECT entry.name, entry.change ->> 'old' AS old, entry.change ->> 'new' AS new, count(*) AS minions,
            entry.name IN (SELECT unnest(ARRAY[i.name, i.name || ' (' || i.kind || ')']) FROM approval.item AS i
                           WHERE i.request_id = p_request_id AND i.item_set_version = target.item_set_version) AS asked_for
        FROM jsonb_to_recordset(p_answers) AS answer (changes jsonb)
        CROSS JOIN LATERAL jsonb_each(CASE WHEN jsonb_typeof(answer.changes) = 'object' THEN answer.changes END)
            AS entry (name, change)
        GROUP BY entry.name, entry.change ->> 'old', entry.change ->> 'new'
        ORDER BY asked_for DESC, entry.name LIMIT shown_changes) AS change;
    INSERT INTO approval.request_plan_minion
    SELECT p_request_id, new_no, answer.minion, answer.outcome, answer.changes, answer.comment
    FROM jsonb_to_recordset(p_answers) AS answer (minion text, outcome text, changes jsonb, comment text);
    PERFORM approval.audit_append(p_request_id, moment, 'planned', actor.name, p_provider || ':' || p_subject, actor.assurance,
        jsonb_build_object('plan', new_no, 'digest', p_digest, 'plan_digest', plan_digest,
            'minions', jsonb_array_length(p_answers)));
    RETURN new_no;
EXCEPTION WHEN integrity_constraint_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP005',
        MESSAGE = format('this is no plan of request %s: each minion has one outcome, changes and a comment',
                                                              p_request_id);
END
$$;
COMMENT ON FUNCTION approval.put_plan IS
    'Attaches a plan to a pending request: [{minion, outcome (changes, nothing, impossible, silent), changes, comment}], of the '
    'items that have this digest; gives its number. A plan is a claim of minions, and no evidence. Raises AP001, AP002, '
    'AP004-AP006, AP011, AP014, AP015. Definer: plans are written in no other way.';
