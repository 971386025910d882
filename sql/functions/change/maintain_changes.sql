CREATE OR REPLACE FUNCTION approval.maintain_changes() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('approval.maintain_changes', 0)) THEN
        RETURN 0;
    END IF;
    WITH apart AS (
        DELETE FROM approval.change AS c WHERE c.changed_xid > '0' RETURNING c.stream, c.changes
    ), summed AS (
        INSERT INTO approval.change AS c (stream, changed_xid, changes)
        SELECT a.stream, '0', sum(a.changes) FROM apart AS a GROUP BY a.stream ORDER BY a.stream
        ON CONFLICT (stream, changed_xid) DO UPDATE SET changes = c.changes + excluded.changes
        RETURNING c.stream
    )
    SELECT count(*) INTO added FROM summed AS s;
    RETURN added;
END
$$;
COMMENT ON FUNCTION approval.maintain_changes IS
    'Adds the changes of many transactions up, which leaves every change number as it is; gives of how many streams. One caller at '
    'a time does so, another leaves it to the first. Definer: tables are private.';
