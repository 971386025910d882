-- Minions are found by a part of their names, and listed in their order.
CREATE INDEX minion_name ON approval.minion (minion_id COLLATE "C") WHERE removed_at IS NULL;
-- Where the extension is, its administrator decides.
DO $$
BEGIN
    EXECUTE pg_catalog.format('CREATE INDEX minion_name_part ON approval.minion USING gin (lower(minion_id) %I.gin_trgm_ops)', (
        SELECT n.nspname FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_trgm'));
END
$$;
-- It has arguments more: of which minions, and from where on.
DROP FUNCTION IF EXISTS approval.out_of_line(integer);
