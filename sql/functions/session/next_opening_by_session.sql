CREATE OR REPLACE FUNCTION approval.next_opening_by_session(p_token bytea, p_request_id bigint)
    RETURNS TABLE (opens_at timestamptz, text text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_by_session(p_token);
    PERFORM approval.check_reader_of(approval.reading_as(actor.principal_id), p_request_id);
    RETURN QUERY SELECT o.* FROM approval.next_opening(p_request_id, clock_timestamp()) AS o;
END
$$;
COMMENT ON FUNCTION approval.next_opening_by_session IS
    'When a request may be applied next, for a person with a session: see approval.next_opening. Raises AP001, AP002, AP014, '
    'AP020, AP021. Definer: tables are private.';
