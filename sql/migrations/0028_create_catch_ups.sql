-- Minions that start and are behind what is approved for them, and the state runs that bring them in line.
CREATE TABLE approval.catch_up (
    minion_id text NOT NULL REFERENCES approval.minion,
    catch_up_no bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL CHECK (state IN ('waiting', 'asked', 'answered', 'sending', 'sent', 'ended')),
    state_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    observe_jid text,
    cause text,
    revision bigint,
    jid text,
    outcome text CHECK (outcome IN ('in-line', 'dispatched', 'repeated', 'absent', 'unreached', 'returned', 'silent')),
    PRIMARY KEY (minion_id, catch_up_no),
    CONSTRAINT catch_up_asked CHECK (state <> 'asked' OR observe_jid IS NOT NULL),
    CONSTRAINT catch_up_cause CHECK (state NOT IN ('answered', 'sending', 'sent') OR cause IS NOT NULL),
    CONSTRAINT catch_up_job CHECK (
        (jid IS NOT NULL) = (state IN ('sending', 'sent') OR outcome IS NOT NULL AND outcome IN ('returned', 'silent'))),
    CONSTRAINT catch_up_revision CHECK ((jid IS NOT NULL) = (revision IS NOT NULL) AND (jid IS NULL OR cause IS NOT NULL)),
    CONSTRAINT catch_up_outcome CHECK ((outcome IS NOT NULL) = (state = 'ended'))
);
CREATE UNIQUE INDEX catch_up_open ON approval.catch_up (minion_id) WHERE state <> 'ended';
CREATE UNIQUE INDEX catch_up_once ON approval.catch_up (minion_id, revision, cause) WHERE jid IS NOT NULL;
CREATE INDEX catch_up_due ON approval.catch_up (due_at, catch_up_no) WHERE state = 'waiting';
CREATE INDEX catch_up_under_way ON approval.catch_up (state_at) WHERE state IN ('asked', 'answered', 'sending', 'sent');
CREATE INDEX catch_up_ended ON approval.catch_up (state_at) WHERE state = 'ended';
COMMENT ON TABLE approval.catch_up IS
    'Minions that started and were behind what is approved for them, in the order in which they are brought in line. waiting: '
    'for its turn. asked: it is to prove that it is there, and in which boot. answered: it did. sending, sent: the job of a state '
    'run is chosen, was published. ended: see outcome.';
COMMENT ON COLUMN approval.catch_up.state_at IS 'Since when it is in its state.';
COMMENT ON COLUMN approval.catch_up.started_at IS 'When its start was noticed; of several while a job was under way, the last one.';
COMMENT ON COLUMN approval.catch_up.due_at IS
    'Not taken before: minions may bring themselves in line as they start, or a window is to open.';
COMMENT ON COLUMN approval.catch_up.observe_jid IS 'The job that reads what is there, by which the minion is asked.';
COMMENT ON COLUMN approval.catch_up.cause IS
    'boot and the boot id that it proved, boot unknown (it answered without evidence), or reinstall and the number of that. For a '
    'revision each has one state run, however often the minion starts.';
COMMENT ON COLUMN approval.catch_up.revision IS 'Of the document that is in force when its job is chosen.';
COMMENT ON COLUMN approval.catch_up.jid IS
    'The job of the state run. Chosen before it is published, so that it is known after a crash whether it was.';
COMMENT ON COLUMN approval.catch_up.outcome IS
    'in-line: it was not behind any more. dispatched: a request was sent to it since it started, which brings all. repeated: this '
    'cause had its run. absent: it did not answer. unreached: no master could tell it for a day. returned: from the state run, '
    'whatever that came to. silent: it did not return in time.';
