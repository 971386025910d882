CREATE OR REPLACE FUNCTION approval.drop_partitions(p_parent text, p_before date) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old record;
    dropped integer := 0;
BEGIN
    FOR old IN SELECT p.partition FROM approval.partitions_of(p_parent) AS p WHERE p.until <= p_before LOOP
        EXECUTE format('DROP TABLE approval.%I', old.partition);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION approval.drop_partitions IS
    'Internal: drops the partitions of a table that have no day from p_before on; gives how many.';
