-- Pillars and snapshots read this: a view and no function, since calling one costs more than the read itself.
CREATE OR REPLACE VIEW approval.exported_document AS
SELECT minion_id, valid_from, valid_until, revision, digest, evidence_key, kinds, names, types, contents, changed_xid
FROM approval.document;
COMMENT ON VIEW approval.exported_document IS
    'All documents with their keys, for the exporter alone. In force for a minion is the last one valid from before now().';
