CREATE OR REPLACE VIEW approval.job_finding AS
SELECT r.jid, r.minion_id, r.attempt, f.entry ->> 0 AS kind, f.entry ->> 1 AS name, f.entry ->> 2 AS verdict,
    f.entry ->> 3 AS reason, f.entry ->> 4 AS expected, f.entry ->> 5 AS observed, f.entry ->> 6 AS source, f.entry ->> 7 AS finding
FROM approval.job_return AS r, json_array_elements(r.findings) AS f (entry);
COMMENT ON VIEW approval.job_finding IS 'The validator''s answer for one resource of one return.';
