-- Runs of minions that gave evidence already, in one place: a look into each day of returns took longer with each day kept.
CREATE TABLE approval.seen_run (
    minion_id text NOT NULL,
    run_id text NOT NULL,
    jid text COLLATE "C" NOT NULL,
    PRIMARY KEY (minion_id, run_id)
);
-- Rows come in nearly the order of their jids, and go so.
CREATE INDEX seen_run_jid ON approval.seen_run USING brin (jid) WITH (autosummarize = on);
COMMENT ON TABLE approval.seen_run IS
    'Runs of which an authentic return is kept: evidence that names one of them again is a replay.';
COMMENT ON COLUMN approval.seen_run.jid IS 'The job of that return, of several the last: the run is forgotten with its day.';
INSERT INTO approval.seen_run
SELECT r.minion_id, r.run_id, max(r.jid) FROM approval.job_return AS r
WHERE r.authenticated AND r.run_id IS NOT NULL GROUP BY r.minion_id, r.run_id;
DROP INDEX approval.job_return_run;
