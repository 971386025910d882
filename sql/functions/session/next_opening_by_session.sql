CREATE OR REPLACE FUNCTION approval.next_opening_by_session(p_token bytea, p_request_id bigint)
    RETURNS TABLE (opens_at timestamptz, text text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT o.* FROM approval.acting_by_session(p_token), approval.next_opening(p_request_id, clock_timestamp()) AS o
$$;
COMMENT ON FUNCTION approval.next_opening_by_session IS
    'When a request may be applied next, for a person with a session: see approval.next_opening. Raises AP001, AP002, AP014, '
    'AP020, AP021. Definer: tables are private.';
