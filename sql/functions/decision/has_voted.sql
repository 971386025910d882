CREATE OR REPLACE FUNCTION approval.has_voted(p_request approval.request, p_stage_no integer, p_principal bigint) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM approval.decision AS d, approval.request_type AS t
    WHERE t.type_name = p_request.type_name AND t.type_version = p_request.type_version
        AND d.request_id = p_request.request_id AND d.item_set_version >= p_request.reviewed_version
        AND (d.stage_no = p_stage_no OR NOT t.repeat_approval) AND p_principal IN (d.principal_id, d.counts_for))
$$;
COMMENT ON FUNCTION approval.has_voted IS
    'Internal: this principal decided already, or somebody did in their stead, so that they count no more at this stage.';
