CREATE OR REPLACE FUNCTION approval.break_glass(p_provider text, p_subject text, p_request_id bigint, p_comment text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    target approval.request;
    minions text[];
    moment timestamptz;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    IF actor.assurance = 'asserted' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP009',
            MESSAGE = 'breaking the glass asks for an identity that is authenticated; this one is only asserted',
            HINT = 'Use your own login.';
    END IF;
    IF coalesce(p_comment, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'breaking the glass needs a reason';
    END IF;
    target := approval.lock_request(p_request_id, actor.principal_id);
    moment := clock_timestamp();
    IF target.state NOT IN ('approved', 'partial', 'failed') OR target.break_glass_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s is %s: nothing of it is held back', p_request_id, target.state),
            HINT = 'Windows and freezes hold back what was approved; approvals are never skipped.';
    END IF;
    minions := ARRAY(SELECT DISTINCT minion_id FROM approval.item WHERE request_id = p_request_id AND state = 'approved');
    UPDATE approval.request SET break_glass_at = moment WHERE request_id = p_request_id;
    PERFORM approval.audit_append(p_request_id, moment, 'glass-broken', actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('comment', p_comment));
    PERFORM approval.raise_alarm('break-glass', minions, 'request/' || p_request_id, p_request_id,
                                 jsonb_build_object('who', actor.name, 'what', p_comment), moment);
    UPDATE approval.outbox AS o SET due_at = least(o.due_at, greatest(moment, target.not_before))
    WHERE o.destination = 'salt' AND o.thread = 'request/' || p_request_id AND o.state = 'waiting';
    NOTIFY approval_outbox;
    PERFORM approval.refresh_documents(minions);
END
$$;
COMMENT ON FUNCTION approval.break_glass IS
    'Lets an approved request past windows and freezes, with a reason; recorded. Only logins of role approval_break_glass may call '
    'it. Raises AP001, AP002, AP005, AP006, AP009, AP014. Definer: nobody writes documents otherwise.';
