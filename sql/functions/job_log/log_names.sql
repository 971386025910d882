CREATE OR REPLACE FUNCTION approval.log_names(p_minions integer[], p_minion_bits bytea, p_number integer) RETURNS boolean
    -- Without a search_path of its own, so that it is inlined.
    LANGUAGE sql IMMUTABLE AS $$
SELECT CASE WHEN p_minions IS NOT NULL THEN p_number = ANY (p_minions)
    WHEN p_number < 8 * octet_length(p_minion_bits) THEN get_bit(p_minion_bits, p_number) = 1
    ELSE false END
$$;
COMMENT ON FUNCTION approval.log_names IS
    'Internal: whether the minion of a number is among those of a row of the job log; see approval.packed_minions.';
