CREATE OR REPLACE FUNCTION approval.log_overlap(p_minions integer[], p_minion_bits bytea, p_mask bytea) RETURNS bigint
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE
    WHEN p_minions IS NOT NULL THEN (
        SELECT count(*) FROM unnest(p_minions) AS n (number)
        WHERE CASE WHEN n.number < 8 * octet_length(p_mask) THEN get_bit(p_mask, n.number) = 1 ELSE false END)
    ELSE (
        SELECT bit_count(('x' || rpad(encode(p_minion_bits, 'hex'), w.digits, '0'))::varbit
                         & ('x' || rpad(encode(p_mask, 'hex'), w.digits, '0'))::varbit)
        FROM (SELECT 2 * greatest(octet_length(p_minion_bits), octet_length(p_mask)) AS digits) AS w) END
$$;
COMMENT ON FUNCTION approval.log_overlap IS
    'Internal: how many minions of a row of the job log are in a mask, see approval.log_mask.';
