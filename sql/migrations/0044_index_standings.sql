-- Those for which nothing holds now, among many that hold something: compliance counts them by themselves.
CREATE INDEX document_empty ON approval.document (minion_id) WHERE cardinality(item_ids) = 0;
CREATE INDEX minion_removed ON approval.minion (minion_id) WHERE removed_at IS NOT NULL;
