CREATE OR REPLACE FUNCTION approval.drop_deliveries(p_now timestamptz) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
DELETE FROM approval.ticket_delivery AS d WHERE d.state <> 'waiting' AND d.forget_at < p_now
$$;
COMMENT ON FUNCTION approval.drop_deliveries IS
    'Internal: drops deliveries that were settled and that no system sends again.';
