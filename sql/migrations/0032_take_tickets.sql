-- Tickets of other systems, which ask for requests, decide on them and are told of them.
CREATE TABLE approval.ticket (
    provider text NOT NULL CHECK (provider ~ '^[a-z][a-z0-9_-]*$'),
    ticket_id text NOT NULL CHECK (ticket_id ~ '^[!-~]+$' AND length(ticket_id) <= 128),
    key text NOT NULL CHECK (key <> '' AND length(key) <= 255),
    url text CHECK (url ~ '^https?://' AND length(url) <= 2000),
    PRIMARY KEY (provider, ticket_id)
);
CREATE INDEX ticket_key ON approval.ticket (provider, key);
COMMENT ON TABLE approval.ticket IS 'Tickets that asked for something, by the site they are of.';
COMMENT ON COLUMN approval.ticket.provider IS
    'The site, as in identity; the source of its requests and the destination of its messages have the same name.';
COMMENT ON COLUMN approval.ticket.ticket_id IS 'Its identity there, which stays when it is moved.';
COMMENT ON COLUMN approval.ticket.key IS 'Its key or number for people, as it was last seen.';

CREATE TABLE approval.ticket_request (
    request_id bigint PRIMARY KEY REFERENCES approval.request,
    provider text NOT NULL,
    ticket_id text NOT NULL,
    generation integer NOT NULL CHECK (generation > 0),
    revert_no integer NOT NULL CHECK (revert_no >= 0),
    digest text NOT NULL CHECK (digest ~ '^[!-~]+$' AND length(digest) <= 128),
    bound_at timestamptz,
    UNIQUE (provider, ticket_id, generation, revert_no),
    FOREIGN KEY (provider, ticket_id) REFERENCES approval.ticket
);
COMMENT ON TABLE approval.ticket_request IS
    'Requests that tickets made: one for each generation, which is each time that a ticket asks; and what takes that back.';
COMMENT ON COLUMN approval.ticket_request.revert_no IS '0: what the ticket asks for; 1 and on: the requests to take that back.';
COMMENT ON COLUMN approval.ticket_request.digest IS
    'Of the fields of the ticket that say what is asked for, as they were when the request got its present items.';
COMMENT ON COLUMN approval.ticket_request.bound_at IS
    'Since when the ticket itself tells which request with which content this is: earlier decisions in it do not count. NULL: it '
    'does not tell yet.';

CREATE TABLE approval.request_editor (
    request_id bigint NOT NULL REFERENCES approval.request,
    provider text NOT NULL,
    subject text NOT NULL CHECK (subject <> '' AND length(subject) <= 255),
    PRIMARY KEY (request_id, provider, subject)
);
COMMENT ON TABLE approval.request_editor IS
    'Identities that changed what a request asks for, known or not: whoever is known so may not decide on it.';

CREATE TABLE approval.ticket_hold (
    request_id bigint PRIMARY KEY REFERENCES approval.ticket_request,
    cause text NOT NULL CHECK (cause IN ('edited', 'gone')),
    reason text NOT NULL CHECK (reason <> '' AND length(reason) <= 1000),
    held_at timestamptz NOT NULL
);
COMMENT ON TABLE approval.ticket_hold IS
    'Open requests of which nothing takes effect or is sent any more that was not yet, as their ticket does not say what was '
    'approved.';
COMMENT ON COLUMN approval.ticket_hold.cause IS
    'edited: the ticket says something else. gone: it was deleted, archived, or cannot be read.';

CREATE TABLE approval.decision_proof (
    request_id bigint NOT NULL,
    item_set_version integer NOT NULL,
    stage_no integer NOT NULL,
    counts_for bigint NOT NULL,
    proof_key text NOT NULL CHECK (proof_key <> '' AND length(proof_key) <= 255),
    proof jsonb NOT NULL CHECK (jsonb_typeof(proof) = 'object'),
    PRIMARY KEY (request_id, item_set_version, stage_no, counts_for),
    UNIQUE (request_id, item_set_version, proof_key),
    FOREIGN KEY (request_id, item_set_version, stage_no, counts_for) REFERENCES approval.decision
);
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval.decision_proof
    FOR EACH STATEMENT EXECUTE FUNCTION approval.refuse_change();
COMMENT ON TABLE approval.decision_proof IS
    'The places in tickets that decisions were read from. Insert-only; an audit entry has it too.';
COMMENT ON COLUMN approval.decision_proof.proof_key IS 'The id of a history entry or of an approval there; it decides once.';

CREATE TABLE approval.ticket_delivery (
    provider text NOT NULL CHECK (provider ~ '^[a-z][a-z0-9_-]*$'),
    key text NOT NULL CHECK (key <> '' AND length(key) <= 255),
    delivery_no bigint GENERATED ALWAYS AS IDENTITY,
    ticket text NOT NULL CHECK (ticket <> '' AND length(ticket) <= 255),
    content jsonb,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'dead')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    received_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    leased_until timestamptz,
    settled_at timestamptz,
    forget_at timestamptz NOT NULL,
    note text,
    PRIMARY KEY (provider, key),
    CONSTRAINT ticket_delivery_content CHECK ((content IS NULL) = (state = 'done')),
    CONSTRAINT ticket_delivery_settled CHECK ((settled_at IS NULL) = (state = 'waiting'))
);
CREATE INDEX ticket_delivery_waiting ON approval.ticket_delivery (provider, ticket, delivery_no) WHERE state = 'waiting';
CREATE INDEX ticket_delivery_due ON approval.ticket_delivery (provider, due_at) WHERE state = 'waiting';
CREATE INDEX ticket_delivery_settled ON approval.ticket_delivery (forget_at) WHERE state <> 'waiting';
COMMENT ON TABLE approval.ticket_delivery IS
    'Deliveries of other systems, each once, in the order in which they came for each ticket. A settled one is kept, '
    'so that it is known when it comes again.';
COMMENT ON COLUMN approval.ticket_delivery.key IS 'What tells it from other deliveries of the site.';
COMMENT ON COLUMN approval.ticket_delivery.ticket IS 'The id or key of its ticket, as it was given.';
COMMENT ON COLUMN approval.ticket_delivery.content IS 'Taken away when it is done.';
COMMENT ON COLUMN approval.ticket_delivery.attempts IS 'How often in a row it failed; dead after twelve.';
COMMENT ON COLUMN approval.ticket_delivery.forget_at IS 'When it is dropped, if it was settled: no system sends it again then.';
COMMENT ON COLUMN approval.ticket_delivery.note IS 'What came of it, for people.';

CREATE INDEX ticket_delivery_open ON approval.ticket_delivery (provider, delivery_no) WHERE state <> 'done';

CREATE TABLE approval.ticket_poll (
    provider text PRIMARY KEY CHECK (provider ~ '^[a-z][a-z0-9_-]*$'),
    mark timestamptz NOT NULL
);
COMMENT ON TABLE approval.ticket_poll IS 'Until when the changes of each site''s tickets were looked through.';

-- A stage says of which sites the decisions in tickets count there.
ALTER TABLE approval.request_type_stage ADD COLUMN accept text[];
ALTER TABLE approval.request_stage ADD COLUMN accept text[];
COMMENT ON COLUMN approval.request_type_stage.accept IS 'The sites whose tickets'' decisions count; NULL: all.';
COMMENT ON COLUMN approval.request_stage.accept IS 'As request_type_stage has it.';

INSERT INTO approval.alarm_kind (kind, severity) VALUES
    ('ticket-held', 'warning'), ('ticket-gone', 'critical'), ('ticket-delivery-dead', 'critical'),
    ('token-expiry', 'warning');
COMMENT ON TABLE approval.alarm_kind IS
    'The kinds of alarms. unapproved-job: a job that changes what is under approval, with no request behind it. overlapping-run: '
    'a state run while another ran. run-in-freeze: a manual run inside a freeze. drift: what was applied is otherwise now. '
    'break-glass: a request went past windows and freezes. halted-wave: too many failures halted a rollout. forged-return: a '
    'return that its minion cannot have sent for that job. replaced-key: a known minion came with another key. failing-seal: '
    'acts of the audit were not sealed for minutes. ticket-held: a ticket was changed after its request was approved. '
    'ticket-gone: a ticket whose request is open cannot be read any more. ticket-delivery-dead: what a system of tickets sent '
    'could not be worked off. token-expiry: what a site is reached with expires.';

-- These know editors, and proofs.
DROP FUNCTION IF EXISTS approval.eligible_voters(text, boolean, bigint, bigint);
DROP FUNCTION IF EXISTS approval.record_decision(
    approval.request, bigint, bigint, text, text, text, text, text, timestamptz);
