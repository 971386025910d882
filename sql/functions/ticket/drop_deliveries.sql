CREATE OR REPLACE FUNCTION approval.drop_deliveries(p_now timestamptz) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
DELETE FROM approval.ticket_delivery AS d WHERE d.state <> 'waiting' AND d.settled_at < p_now - interval '35 days'
$$;
COMMENT ON FUNCTION approval.drop_deliveries IS
    'Internal: drops deliveries that were settled 35 days ago: no system sends one again after that.';
