-- Those for which nothing holds now, among many that hold something: compliance counts them by themselves.
CREATE INDEX document_empty ON approval.document (minion_id) WHERE cardinality(item_ids) = 0;
CREATE INDEX minion_removed ON approval.minion (minion_id) WHERE removed_at IS NOT NULL;
-- Lists of requests say over how many minions each is, which never changes: a hundred thousand items are counted once.
ALTER TABLE approval.item_set ADD COLUMN minion_count bigint;
COMMENT ON COLUMN approval.item_set.minion_count IS 'Over how many minions the items are.';
ALTER TABLE approval.item_set DISABLE TRIGGER insert_only;
UPDATE approval.item_set AS s SET minion_count = (
    SELECT count(DISTINCT i.minion_id) FROM approval.item AS i
    WHERE i.request_id = s.request_id AND i.item_set_version = s.item_set_version);
ALTER TABLE approval.item_set ENABLE TRIGGER insert_only;
ALTER TABLE approval.item_set ALTER COLUMN minion_count SET NOT NULL,
    ADD CONSTRAINT item_set_minions CHECK (minion_count <= item_count);
