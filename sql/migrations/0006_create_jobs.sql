-- Salt's job cache: what was published, what came back, and what the validator made of it. Partitioned by jid, which sorts by time;
-- what no partition of a day takes lands in the default one until approval.maintain_jobs makes the day's.
CREATE TABLE approval.job (
    jid text COLLATE "C" NOT NULL,
    fun text NOT NULL,
    tgt text NOT NULL,
    tgt_type text NOT NULL,
    job_user text NOT NULL,
    minions text[] NOT NULL,
    load bytea NOT NULL,
    claimed boolean NOT NULL,
    published_at timestamptz NOT NULL,
    ended_at double precision,
    PRIMARY KEY (jid)
) PARTITION BY RANGE (jid);
CREATE TABLE approval.job_default PARTITION OF approval.job DEFAULT;
COMMENT ON TABLE approval.job IS 'A published job. The first load is kept; Salt hands in the minions'' returns as later ones.';
COMMENT ON COLUMN approval.job.load IS 'The load, secrets masked, as msgpack in an LZ4 frame.';
COMMENT ON COLUMN approval.job.claimed IS 'Taken from a minion''s return, as no publication is known: a claim.';
COMMENT ON COLUMN approval.job.ended_at IS 'Seconds since 1970 UTC, as Salt reports it; NULL: not reported.';

CREATE TABLE approval.job_return (
    jid text COLLATE "C" NOT NULL,
    minion_id text NOT NULL,
    attempt integer NOT NULL CHECK (attempt > 0),
    fun text NOT NULL,
    retcode integer,
    success boolean,
    verdict text NOT NULL CHECK (verdict IN ('converged', 'partial', 'failed', 'not-applied', 'drift', 'invalid', 'unproven')),
    authenticated boolean NOT NULL,
    flags text[] NOT NULL,
    revision bigint,
    run_id text,
    boot_id text,
    received_at timestamptz NOT NULL,
    payload_digest bytea NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (jid, minion_id, attempt)
) PARTITION BY RANGE (jid);
CREATE TABLE approval.job_return_default PARTITION OF approval.job_return DEFAULT;
CREATE INDEX job_return_minion ON approval.job_return (minion_id, fun, received_at DESC);
CREATE INDEX job_return_run ON approval.job_return (minion_id, run_id) WHERE authenticated AND run_id IS NOT NULL;
COMMENT ON TABLE approval.job_return IS 'What a minion returned. An equal payload is a repeat, a different one a further attempt.';
COMMENT ON COLUMN approval.job_return.authenticated IS 'The evidence carried a valid mac for a document that this minion was given.';
COMMENT ON COLUMN approval.job_return.flags IS 'What is odd: claim, replayed, stale, unknown-job, untargeted.';
COMMENT ON COLUMN approval.job_return.payload IS 'The whole load as msgpack in an LZ4 frame.';

CREATE TABLE approval.job_finding (
    jid text COLLATE "C" NOT NULL,
    minion_id text NOT NULL,
    attempt integer NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL,
    expected text,
    observed text,
    source text NOT NULL,
    finding text NOT NULL,
    PRIMARY KEY (jid, minion_id, attempt, kind, name)
) PARTITION BY RANGE (jid);
CREATE TABLE approval.job_finding_default PARTITION OF approval.job_finding DEFAULT;
COMMENT ON TABLE approval.job_finding IS 'The validator''s answer for one resource of one return.';

CREATE TABLE approval.quarantine (
    minion_id text NOT NULL,
    entry_no bigint GENERATED ALWAYS AS IDENTITY,
    jid text NOT NULL,
    fun text NOT NULL,
    reason text NOT NULL,
    received_at timestamptz NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (minion_id, entry_no)
);
COMMENT ON TABLE approval.quarantine IS 'Returns with an impossible jid or too many attempts; the newest hundred of a minion are kept.';

CREATE TABLE approval.event (
    event_no bigint GENERATED ALWAYS AS IDENTITY,
    received_at timestamptz NOT NULL,
    tag text NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (received_at, event_no)
) PARTITION BY RANGE (received_at);
CREATE TABLE approval.event_default PARTITION OF approval.event DEFAULT;
COMMENT ON TABLE approval.event IS 'Salt''s events, where event_return names this returner; data as msgpack in an LZ4 frame.';

CREATE TABLE approval.setting (
    name text PRIMARY KEY,
    content text NOT NULL
);
INSERT INTO approval.setting VALUES ('keep_jobs_hours', '24');
COMMENT ON TABLE approval.setting IS 'keep_jobs_hours: how long job returns are kept, as the master last said.';
