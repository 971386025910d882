CREATE OR REPLACE FUNCTION approval.list_types_by_session(p_token bytea)
    RETURNS TABLE (type text, title text, kind text, pre_approved boolean, may_request boolean, requesters text[], stages text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT t.type_name, t.title, t.kind, t.pre_approved,
    '*' = ANY (t.requesters) OR EXISTS (
        SELECT FROM approval.membership AS m WHERE m.principal_id = actor.principal_id AND m.group_name = ANY (t.requesters)),
    t.requesters, ARRAY(
        SELECT s.name FROM approval.request_type_stage AS s
        WHERE s.type_name = t.type_name AND s.type_version = t.type_version ORDER BY s.stage_no)
FROM approval.acting_by_session(p_token, 'read') AS actor, approval.newest_type AS t
WHERE t.kind <> 'any'
ORDER BY t.type_name
$$;
COMMENT ON FUNCTION approval.list_types_by_session IS
    'The request types in which something can be asked for, and whether the person whose session has this token may. Raises '
    'AP001, AP002, AP020-AP022. Definer: tables are private.';
