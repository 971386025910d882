-- The log of jobs: a short row for each, kept long after the job cache has dropped what the job and its returns said.
CREATE TABLE approval.minion_number (
    minion_id text PRIMARY KEY,
    minion_number integer NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE
);
COMMENT ON TABLE approval.minion_number IS
    'A small number for each minion that the job log names, registered or not. Never given to another minion.';

-- A partition holds a week, from a Monday on. The forms in which minions are kept were measured with 100,000 of them. An array
-- of numbers takes 4 bytes a minion, and no compression makes it smaller. A bit for each number takes a fraction of a byte where
-- a job is for many of the minions, and one bit is read in microseconds. An inverted index (GIN) takes 23 bytes more for each
-- minion of a job, and its 100,000 insertions take longer than all the rest. It is kept for jobs on few minions, which nearly all
-- jobs are; the others are read by their time, and each is tested (approval.log_names).
CREATE TABLE approval.job_log (
    jid text COLLATE "C" NOT NULL,
    published_at timestamptz NOT NULL,
    fun text COLLATE "C" NOT NULL,
    job_user text COLLATE "C" NOT NULL,
    tgt text NOT NULL,
    tgt_type text NOT NULL,
    command text NOT NULL,
    is_test boolean NOT NULL,
    is_claim boolean NOT NULL,
    request_id bigint,
    minion_count integer NOT NULL CHECK (minion_count >= 0),
    minions integer[],
    minion_bits bytea,
    ok integer,
    failed integer,
    silent integer,
    duration_s real,
    PRIMARY KEY (published_at, jid),
    CONSTRAINT job_log_minions CHECK ((minions IS NULL) <> (minion_bits IS NULL) AND (minion_count > 16 OR minions IS NOT NULL)),
    CONSTRAINT job_log_size CHECK (octet_length(command) <= 512 AND octet_length(fun) <= 96 AND octet_length(tgt) <= 96
        AND octet_length(job_user) <= 64 AND octet_length(tgt_type) <= 16),
    CONSTRAINT job_log_outcome CHECK ((ok IS NULL) = (silent IS NULL) AND (failed IS NULL) = (silent IS NULL))
) PARTITION BY RANGE (published_at);
-- No compression makes them smaller.
ALTER TABLE approval.job_log ALTER COLUMN minions SET STORAGE EXTERNAL;
CREATE TABLE approval.job_log_default PARTITION OF approval.job_log DEFAULT;
-- Without a list of what is pending, which each reader would have to go through.
CREATE INDEX job_log_few ON approval.job_log USING gin (minions) WITH (fastupdate = off) WHERE minion_count <= 16;
CREATE INDEX job_log_many ON approval.job_log (published_at, jid) WHERE minion_count > 16;
CREATE INDEX job_log_fun ON approval.job_log (fun, published_at);
CREATE INDEX job_log_user ON approval.job_log (job_user, published_at);
CREATE INDEX job_log_request ON approval.job_log (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX job_log_open ON approval.job_log (published_at) WHERE silent IS NULL;
COMMENT ON TABLE approval.job_log IS
    'Each job, but for housekeeping: what ran, where, when, by whom, and how it ended. Written with the job cache, kept apart from '
    'it.';
COMMENT ON COLUMN approval.job_log.fun IS
    'The function; of a job of several, with commas between them. Long texts are cut, and end in an ellipsis.';
COMMENT ON COLUMN approval.job_log.command IS 'The command as somebody would type it, with secrets masked.';
COMMENT ON COLUMN approval.job_log.is_test IS 'It was to change nothing (test=True).';
COMMENT ON COLUMN approval.job_log.is_claim IS
    'No publication is known (salt-call, a schedule): all of it is what the minion says.';
COMMENT ON COLUMN approval.job_log.request_id IS 'The request that it was sent for; NULL: none.';
COMMENT ON COLUMN approval.job_log.minions IS 'The numbers of its minions, ascending; NULL: they stand in minion_bits.';
COMMENT ON COLUMN approval.job_log.minion_bits IS 'The bit of each minion''s number is set.';
COMMENT ON COLUMN approval.job_log.ok IS
    'How many minions did it, failed in it, and did not return. NULL: not counted yet; see approval.settle_job_log.';
COMMENT ON COLUMN approval.job_log.duration_s IS 'Seconds until the last return; NULL: none came, or not counted yet.';
INSERT INTO approval.setting VALUES ('keep_log_days', '400');
COMMENT ON TABLE approval.setting IS
    'keep_jobs_hours: how long job returns are kept, keep_log_days: how long the job log is, as the master last said.';

-- Each job that is published is looked for among those that were sent for a request.
CREATE INDEX dispatch_jid ON approval.dispatch (jid) WHERE jid IS NOT NULL;
CREATE INDEX dispatch_observe_jid ON approval.dispatch (observe_jid) WHERE observe_jid IS NOT NULL;
-- The few returns of jobs that nobody published here.
CREATE INDEX job_return_unpublished ON approval.job_return (received_at) WHERE flags && '{unknown-job,untargeted}';

-- These have arguments more: the command for the log, and how long that is kept.
DROP FUNCTION IF EXISTS approval.save_load(text, text, text, text, text, text[], bytea, boolean, double precision);
DROP FUNCTION IF EXISTS approval.maintain_jobs(integer);
