CREATE OR REPLACE FUNCTION approval.show_request_by_session(
    p_token bytea, p_request_id bigint, p_outcomes text[], p_after text[], p_limit integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    target approval.request;
    moment timestamptz := clock_timestamp();
    shown jsonb;
BEGIN
    actor := approval.acting_by_session(p_token, 'read');
    shown := approval.show_request(p_request_id, p_outcomes, p_after, p_limit, actor.principal_id);
    SELECT * INTO target FROM approval.request AS r WHERE r.request_id = p_request_id;
    RETURN shown || jsonb_build_object(
        'may', jsonb_build_object(
            'approve', approval.try_decision(target, actor.principal_id, actor.assurance, 'approve', moment),
            'reject', approval.try_decision(target, actor.principal_id, actor.assurance, 'reject', moment),
            'review', approval.try_review(target, actor.principal_id, actor.assurance),
            'look', shown -> 'shown_to' <> 'null' AND approval.may_read(actor.principal_id, 'values', p_request_id)),
        'stage', (SELECT s.stage_no FROM approval.current_stage(p_request_id) AS s));
END
$$;
COMMENT ON FUNCTION approval.show_request_by_session IS
    'A request as approval.show_request has it, and besides what the person whose session has this token may do with it now: '
    'see approval.try_decision; look: whether they may look at what of it is sensitive; stage is the number of the one '
    'that it is at. Raises AP001, AP002, AP005, AP014, AP020-AP022. '
    'Definer: tables are private.';
