CREATE OR REPLACE FUNCTION approval.room_in_flight(p_rollout approval.rollout) RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN p_rollout.max_in_flight IS NOT NULL THEN greatest(p_rollout.max_in_flight - count(*), 0) END
FROM approval.wave_minion AS w
WHERE p_rollout.max_in_flight IS NOT NULL AND w.request_id = p_rollout.request_id AND w.opened_at IS NOT NULL AND w.verdict IS NULL
    -- By the minion's key: a request may have a hundred thousand of them.
    AND EXISTS (SELECT FROM (SELECT * FROM approval.dispatch AS own WHERE own.minion_id = w.minion_id OFFSET 0) AS d
                WHERE d.request_id = w.request_id AND d.jid IS NOT NULL)
$$;
COMMENT ON FUNCTION approval.room_in_flight IS
    'Internal: to how many minions more a rollout may send before others of it have a verdict; NULL: to any number.';
