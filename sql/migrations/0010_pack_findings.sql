-- What the validator found goes into the row of the return: a row of its own for each resource, with its key in an index, took longer
-- to store than all the rest of a return.
DROP TABLE approval.job_finding;
ALTER TABLE approval.job_return
    ADD COLUMN findings json NOT NULL DEFAULT '[]';
COMMENT ON COLUMN approval.job_return.findings IS
    'The validator''s answer for each resource: [kind, name, verdict, reason, expected, observed, source, text]. View job_finding has them as rows.';
CREATE VIEW approval.job_finding AS
SELECT r.jid, r.minion_id, r.attempt, f.entry ->> 0 AS kind, f.entry ->> 1 AS name, f.entry ->> 2 AS verdict, f.entry ->> 3 AS reason,
    f.entry ->> 4 AS expected, f.entry ->> 5 AS observed, f.entry ->> 6 AS source, f.entry ->> 7 AS finding
FROM approval.job_return AS r, json_array_elements(r.findings) AS f (entry);
COMMENT ON VIEW approval.job_finding IS 'The validator''s answer for one resource of one return.';

-- They are compressed already.
ALTER TABLE approval.job_return ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE approval.job ALTER COLUMN load SET STORAGE EXTERNAL;
ALTER TABLE approval.event ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE approval.quarantine ALTER COLUMN payload SET STORAGE EXTERNAL;

-- Whether a return can move anything is asked for each return, and mostly answered no.
CREATE INDEX item_unproven ON approval.item (minion_id) WHERE outcome <> 'converged' OR NOT before_known;
