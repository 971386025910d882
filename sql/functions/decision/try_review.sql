CREATE OR REPLACE FUNCTION approval.try_review(p_request approval.request, p_principal_id bigint, p_assurance text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    why_not text;
BEGIN
    PERFORM approval.check_review(p_request, p_principal_id, p_assurance);
    RETURN jsonb_build_object('yes', true);
EXCEPTION WHEN SQLSTATE 'AP006' OR SQLSTATE 'AP007' OR SQLSTATE 'AP008' OR SQLSTATE 'AP009' OR SQLSTATE 'AP010' THEN
    GET STACKED DIAGNOSTICS why_not = MESSAGE_TEXT;
    RETURN jsonb_build_object('yes', false, 'code', SQLSTATE, 'why_not', why_not);
END
$$;
COMMENT ON FUNCTION approval.try_review IS
    'Internal: what approval.check_review would say, without raising it: {yes: true} or {yes: false, code, why_not}.';
