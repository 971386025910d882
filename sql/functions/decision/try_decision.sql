CREATE OR REPLACE FUNCTION approval.try_decision(
    p_request approval.request, p_principal_id bigint, p_assurance text, p_decision text, p_now timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    voter bigint;
    why_not text;
    hint text;
BEGIN
    voter := approval.check_decision(p_request, p_principal_id, p_assurance, p_decision, NULL, p_now);
    RETURN jsonb_build_object('yes', true, 'in_stead_of', (
        SELECT p.name FROM approval.principal AS p WHERE p.principal_id = voter AND voter <> p_principal_id));
EXCEPTION WHEN SQLSTATE 'AP006' OR SQLSTATE 'AP007' OR SQLSTATE 'AP008' OR SQLSTATE 'AP009' OR SQLSTATE 'AP010'
        OR SQLSTATE 'AP018' OR SQLSTATE 'AP019' THEN
    GET STACKED DIAGNOSTICS why_not = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN jsonb_build_object('yes', false, 'code', SQLSTATE, 'why_not', why_not, 'hint', nullif(hint, ''));
END
$$;
COMMENT ON FUNCTION approval.try_decision IS
    'Internal: what approval.check_decision would say, without raising it: {yes, in_stead_of} or {yes: false, code, why_not, '
    'hint}.';
