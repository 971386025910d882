-- What is sent to minions because it was approved, and what proves that it happened.
ALTER TABLE approval.outbox ADD COLUMN due_at timestamptz NOT NULL DEFAULT '-infinity';
COMMENT ON COLUMN approval.outbox.due_at IS 'Not claimed before: it waits for its time, or for the next attempt.';
COMMENT ON COLUMN approval.outbox.leased_until IS 'Whoever claimed it is at it until then; NULL: nobody.';

CREATE TABLE approval.dispatch (
    minion_id text NOT NULL,
    item_id bigint NOT NULL,
    request_id bigint NOT NULL REFERENCES approval.request,
    proof text NOT NULL CHECK (proof IN ('state', 'return', 'restart', 'reboot')),
    proof_within interval NOT NULL CHECK (proof_within > interval '0'),
    state text NOT NULL CHECK (state IN ('observing', 'observed', 'sending', 'sent', 'proven', 'refuted', 'silent', 'unsent')),
    state_at timestamptz NOT NULL,
    observe_jid text,
    boot_before text,
    jid text,
    sent_at timestamptz,
    returned_at timestamptz,
    ended_at timestamptz,
    reason text,
    PRIMARY KEY (minion_id, item_id),
    FOREIGN KEY (minion_id, item_id) REFERENCES approval.item,
    CONSTRAINT dispatch_observed CHECK (state NOT IN ('observing', 'observed') OR (proof = 'reboot' AND observe_jid IS NOT NULL)),
    CONSTRAINT dispatch_jid CHECK ((jid IS NOT NULL) = (state IN ('sending', 'sent', 'proven', 'refuted', 'silent'))),
    CONSTRAINT dispatch_sent CHECK (state <> 'sent' OR sent_at IS NOT NULL),
    CONSTRAINT dispatch_ended CHECK (
        (ended_at IS NOT NULL) = (state IN ('proven', 'refuted', 'silent', 'unsent') OR (state = 'sent' AND proof = 'state')))
);
CREATE INDEX dispatch_open ON approval.dispatch (request_id) WHERE ended_at IS NULL;
CREATE INDEX dispatch_request ON approval.dispatch (request_id);
COMMENT ON TABLE approval.dispatch IS
    'How far the sending of an approved item has come. observing, observed: what was there before is asked for, known. sending: the job''s '
    'id is chosen and written before the job is published. sent: it was published. proven, refuted: evidence says that it happened, that it '
    'did not. silent: nothing proved it in time (it still may). unsent: it was not sent, and will not be.';
COMMENT ON COLUMN approval.dispatch.proof IS
    'state: a run of approval.converged, proven like any other. return: the function''s own return. restart: and its service started later '
    'than before. reboot: the minion started again.';
COMMENT ON COLUMN approval.dispatch.state_at IS 'Since when it is in its state.';
COMMENT ON COLUMN approval.dispatch.boot_before IS 'The boot id that the minion proved to have shortly before.';
COMMENT ON COLUMN approval.dispatch.jid IS 'The job that does it. Chosen before it is published, so that it is known after a crash whether it was.';
COMMENT ON COLUMN approval.dispatch.returned_at IS 'When an authentic return of that job was judged.';

-- Machines that are installed anew under an id that is known.
ALTER TABLE approval.minion
    ADD COLUMN key_digest text,
    ADD COLUMN machine_id text;
COMMENT ON COLUMN approval.minion.key_digest IS 'Of the public key that the master last accepted for it, as the engine saw it: sha256, hex.';
COMMENT ON COLUMN approval.minion.machine_id IS 'The grain machine_id that it last had, as the master remembers it: the minion''s claim.';

CREATE TABLE approval.reinstall (
    minion_id text NOT NULL REFERENCES approval.minion,
    reinstall_no bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL CHECK (state IN ('waiting', 'accepted', 'converged')),
    key_digest text,
    machine_id text,
    noticed_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    accepted_at timestamptz,
    converged_at timestamptz,
    converged_jid text,
    PRIMARY KEY (minion_id, reinstall_no),
    CONSTRAINT reinstall_sign CHECK (key_digest IS NOT NULL OR machine_id IS NOT NULL),
    CONSTRAINT reinstall_accepted CHECK ((accepted_at IS NOT NULL) = (state IN ('accepted', 'converged'))),
    CONSTRAINT reinstall_converged CHECK ((converged_at IS NOT NULL) = (state = 'converged') AND (converged_jid IS NULL) = (converged_at IS NULL))
);
CREATE UNIQUE INDEX reinstall_open ON approval.reinstall (minion_id) WHERE state <> 'converged';
COMMENT ON TABLE approval.reinstall IS
    'Known minions that appeared with another key or machine id. waiting: for the key to be accepted (or it is somebody who only claims to '
    'be that minion). accepted: its key is, and what it proves counts. converged: it has proven to be as approved again.';
COMMENT ON COLUMN approval.reinstall.key_digest IS 'Of the public key that it came with; NULL: its key is the old one.';
COMMENT ON COLUMN approval.reinstall.seen_at IS 'When it last appeared so.';
COMMENT ON COLUMN approval.reinstall.converged_jid IS 'The job whose authentic return is the receipt.';
