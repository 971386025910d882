CREATE OR REPLACE FUNCTION approval.revert_request(
    p_provider text, p_subject text, p_request_id bigint, p_minions text[], p_reason text, p_type text DEFAULT 'revert',
    p_overlap text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    RETURN approval.open_revert(
        actor.principal_id, actor.name, p_provider || ':' || p_subject, actor.assurance, approval.current_type(p_type),
        p_request_id, p_minions, p_reason, 'revert', NULL, p_overlap);
END
$$;
COMMENT ON FUNCTION approval.revert_request IS
    'Asks to restore what held before a request, on all of its minions or these: a request of its own, with its own chain; gives '
    'its number. A package that it introduced becomes absent. It is about what can be restored; the rest is in '
    'approval.request_left_out, with the reason: an action, a service or value that was not there before, what nothing is known '
    'of from before, what was there and cannot be asked for, or two names of what may be one that differed. Reverting a revert '
    'restores what that took back. p_overlap: what becomes of open requests that it contradicts, supersede or wait. Raises '
    'AP001-AP006, AP014, AP015 (nothing can be restored), AP018. Definer: nobody writes requests otherwise.';
