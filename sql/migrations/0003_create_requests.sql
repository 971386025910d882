-- Requests, what they are about, and who decided. States and legal edges are data; functions move along them.
CREATE TABLE approval.request_state (
    state text PRIMARY KEY,
    was_approved boolean NOT NULL,
    is_closed boolean NOT NULL
);
INSERT INTO approval.request_state VALUES
    ('pending', false, false), ('rejected', false, true), ('cancelled', false, true), ('expired', false, true),
    ('approved', true, false), ('partial', true, false), ('failed', true, false),
    ('converged', true, true), ('superseded', true, true), ('withdrawn', true, true);
COMMENT ON TABLE approval.request_state IS
    'pending: waits for approvals. approved: in force or scheduled. partial, failed: minions proved so; a later run can mend it. '
    'converged: every item was proven. superseded: replaced, or run out, before it was applied. withdrawn: cancelled before its time came.';

CREATE TABLE approval.transition (
    from_state text NOT NULL REFERENCES approval.request_state,
    to_state text NOT NULL REFERENCES approval.request_state,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO approval.transition VALUES
    ('pending', 'approved'), ('pending', 'rejected'), ('pending', 'cancelled'), ('pending', 'expired'),
    ('approved', 'partial'), ('approved', 'failed'), ('approved', 'converged'),
    ('approved', 'superseded'), ('approved', 'withdrawn'),
    ('partial', 'failed'), ('partial', 'converged'), ('partial', 'superseded'),
    ('failed', 'partial'), ('failed', 'converged'), ('failed', 'superseded');
COMMENT ON TABLE approval.transition IS 'The legal edges of a request.';

CREATE TABLE approval.request (
    request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type_name text NOT NULL,
    type_version integer NOT NULL,
    state text NOT NULL REFERENCES approval.request_state,
    requester_id bigint NOT NULL REFERENCES approval.principal,
    on_behalf_of bigint REFERENCES approval.principal,
    assurance text NOT NULL REFERENCES approval.assurance,
    reason text NOT NULL,
    source text NOT NULL,
    external_ref text,
    not_before timestamptz,
    item_set_version integer NOT NULL CHECK (item_set_version > 0),
    submitted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    approved_at timestamptz,
    closed_at timestamptz,
    reviewed_version integer NOT NULL,
    reverts bigint REFERENCES approval.request,
    renews bigint UNIQUE REFERENCES approval.request,
    break_glass_at timestamptz,
    review_by bigint REFERENCES approval.principal,
    review_at timestamptz,
    FOREIGN KEY (type_name, type_version) REFERENCES approval.request_type,
    CONSTRAINT request_reviewed CHECK (reviewed_version BETWEEN 1 AND item_set_version),
    CONSTRAINT request_review CHECK ((review_by IS NULL) = (review_at IS NULL)),
    CONSTRAINT request_break_glass CHECK (break_glass_at IS NULL OR approved_at IS NOT NULL),
    CONSTRAINT request_approved CHECK (
        (state IN ('approved', 'partial', 'failed', 'converged', 'superseded', 'withdrawn')) = (approved_at IS NOT NULL)),
    CONSTRAINT request_closed CHECK (
        (state IN ('rejected', 'cancelled', 'expired', 'converged', 'superseded', 'withdrawn')) = (closed_at IS NOT NULL))
);
CREATE UNIQUE INDEX request_external ON approval.request (source, external_ref) WHERE external_ref IS NOT NULL;
CREATE INDEX request_state_recent ON approval.request (state, request_id DESC);
COMMENT ON TABLE approval.request IS 'What somebody asks for, and how far it came.';
COMMENT ON COLUMN approval.request.source IS 'The system that the request came from, as salt, pg, jira.';
COMMENT ON COLUMN approval.request.external_ref IS 'Its key there; the same (source, external_ref) again is the same request.';
COMMENT ON COLUMN approval.request.not_before IS 'When it takes effect once approved; NULL: at once.';

COMMENT ON COLUMN approval.request.reviewed_version IS
    'Decisions on this version of the items and later ones count: an amendment that only takes items away leaves it.';
COMMENT ON COLUMN approval.request.reverts IS 'The request whose items this one takes back.';
COMMENT ON COLUMN approval.request.renews IS 'The request whose validity ends and that this one asks for anew.';
COMMENT ON COLUMN approval.request.break_glass_at IS 'Since when its changes go past windows and freezes.';
COMMENT ON COLUMN approval.request.review_at IS 'When the review that its type demands afterwards was made, by review_by.';

CREATE TABLE approval.request_overlap (
    request_id bigint NOT NULL REFERENCES approval.request,
    other_id bigint NOT NULL REFERENCES approval.request,
    resources bigint NOT NULL CHECK (resources > 0),
    example text NOT NULL,
    resolution text CHECK (resolution IN ('supersede', 'wait')),
    PRIMARY KEY (request_id, other_id),
    CHECK (request_id <> other_id)
);
CREATE INDEX request_overlap_other ON approval.request_overlap (other_id);
COMMENT ON TABLE approval.request_overlap IS
    'Open requests that wanted something else of the same minion and resource when this one was submitted. Nothing is approved until each '
    'is resolved: supersede (this one wins; the other is cancelled if still pending), or wait (until the other is closed or applied).';
COMMENT ON COLUMN approval.request_overlap.example IS 'One resource of them, for people: minion, kind and name.';

CREATE TABLE approval.request_history (
    request_id bigint NOT NULL REFERENCES approval.request,
    seq integer NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (request_id, seq),
    FOREIGN KEY (from_state, to_state) REFERENCES approval.transition
);
COMMENT ON TABLE approval.request_history IS 'Every edge that a request took. The foreign key refuses any other.';

CREATE TABLE approval.request_stage (
    request_id bigint NOT NULL REFERENCES approval.request,
    stage_no integer NOT NULL,
    name text NOT NULL,
    min_assurance text NOT NULL REFERENCES approval.assurance,
    timeout interval,
    escalate_to text REFERENCES approval.principal_group,
    started_at timestamptz,
    satisfied_at timestamptz,
    PRIMARY KEY (request_id, stage_no)
);
COMMENT ON TABLE approval.request_stage IS 'The chain, frozen into the request when it was submitted.';
COMMENT ON COLUMN approval.request_stage.started_at IS 'Since when the request is at this stage; its timeout counts from here.';

CREATE TABLE approval.request_quorum (
    request_id bigint NOT NULL,
    stage_no integer NOT NULL,
    group_name text NOT NULL REFERENCES approval.principal_group,
    quorum integer NOT NULL CHECK (quorum > 0),
    PRIMARY KEY (request_id, stage_no, group_name),
    FOREIGN KEY (request_id, stage_no) REFERENCES approval.request_stage
);
COMMENT ON TABLE approval.request_quorum IS 'The alternatives of a stage, frozen likewise.';

CREATE TABLE approval.item_set (
    request_id bigint NOT NULL REFERENCES approval.request,
    item_set_version integer NOT NULL,
    digest text NOT NULL CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
    item_count bigint NOT NULL CHECK (item_count > 0),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (request_id, item_set_version)
);
COMMENT ON TABLE approval.item_set IS 'One version of what a request is about. Decisions refer to its digest.';

CREATE SEQUENCE approval.approval_seq;
COMMENT ON SEQUENCE approval.approval_seq IS 'Orders approvals, so that of two changes to one resource at one time the later approved wins.';

CREATE TABLE approval.item (
    minion_id text NOT NULL REFERENCES approval.minion,
    item_id bigint GENERATED ALWAYS AS IDENTITY,
    request_id bigint NOT NULL REFERENCES approval.request,
    item_set_version integer NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'void', 'approved', 'superseded', 'withdrawn', 'expired')),
    kind text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    content text,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    effective_at timestamptz,
    expires_at timestamptz,
    approval_seq bigint,
    pinned text,
    outcome text NOT NULL DEFAULT 'waiting' CHECK (outcome IN ('waiting', 'converged', 'failed', 'drift')),
    applied_at timestamptz,
    observed text,
    outcome_text text,
    outcome_jid text,
    before_known boolean NOT NULL DEFAULT false,
    before_content text,
    PRIMARY KEY (minion_id, item_id),
    FOREIGN KEY (request_id, item_set_version) REFERENCES approval.item_set,
    CONSTRAINT item_type CHECK (
        (kind = 'package' AND ((type = 'version' AND content IS NOT NULL AND content <> 'latest')
                               OR (type = 'latest' AND content = 'latest' AND content IS NOT NULL)
                               OR (type = 'absent' AND content IS NULL)))
        OR (kind = 'service' AND type = 'state' AND content IS NOT NULL AND content IN ('running', 'dead'))
        OR (kind IN ('value', 'action') AND type = 'json' AND content IS NOT NULL)),
    CONSTRAINT item_effective CHECK ((state IN ('approved', 'superseded', 'withdrawn', 'expired')) = (effective_at IS NOT NULL)),
    CONSTRAINT item_expires CHECK (expires_at IS NULL OR expires_at > effective_at),
    CONSTRAINT item_approval CHECK ((effective_at IS NULL) = (approval_seq IS NULL)),
    CONSTRAINT item_pinned CHECK (pinned IS NULL OR type = 'latest' OR strpos(content, '*') > 0),
    CONSTRAINT item_applied CHECK ((outcome = 'converged') = (applied_at IS NOT NULL)),
    CONSTRAINT item_before CHECK (before_known OR before_content IS NULL)
);
CREATE UNIQUE INDEX item_once ON approval.item (request_id, item_set_version, minion_id, kind, name);
CREATE INDEX item_open ON approval.item (minion_id, kind, name) WHERE state IN ('proposed', 'approved');
CREATE INDEX item_waiting ON approval.item (request_id) WHERE state = 'approved' AND outcome = 'waiting';
CREATE INDEX item_unapplied ON approval.item (minion_id) WHERE state = 'approved' AND outcome <> 'converged';
CREATE INDEX item_expiry ON approval.item (expires_at) WHERE state = 'approved' AND expires_at IS NOT NULL;
COMMENT ON TABLE approval.item IS 'One minion and one resource of a request: what shall hold there, and what came of it.';
COMMENT ON COLUMN approval.item.content IS
    'package: a version, perhaps with * for any characters, latest, or NULL (absent); service: running or dead; value, action (its arguments): canonical JSON.';
COMMENT ON COLUMN approval.item.expires_at IS 'Until when it holds; NULL: until something else is approved.';
COMMENT ON COLUMN approval.item.pinned IS 'The version that latest or a pattern meant when the item was first proven.';
COMMENT ON COLUMN approval.item.outcome IS 'What evidence last proved; converged is final: later deviation is drift of the minion, not of the item.';
COMMENT ON COLUMN approval.item.before_content IS 'What the minion had before it first applied the item; first writer wins.';

CREATE TABLE approval.decision (
    request_id bigint NOT NULL,
    item_set_version integer NOT NULL,
    stage_no integer NOT NULL,
    principal_id bigint NOT NULL REFERENCES approval.principal,
    counts_for bigint NOT NULL REFERENCES approval.principal,
    decision text NOT NULL CHECK (decision IN ('approve', 'reject')),
    provider text NOT NULL,
    subject text NOT NULL,
    login_role text NOT NULL,
    assurance text NOT NULL REFERENCES approval.assurance,
    comment text NOT NULL,
    decided_at timestamptz NOT NULL,
    decided_bytes bytea NOT NULL,
    signature bytea,
    key_id text,
    PRIMARY KEY (request_id, item_set_version, stage_no, counts_for),
    FOREIGN KEY (request_id, stage_no) REFERENCES approval.request_stage,
    FOREIGN KEY (request_id, item_set_version) REFERENCES approval.item_set,
    CONSTRAINT decision_signed CHECK ((assurance = 'signed') = (signature IS NOT NULL AND key_id IS NOT NULL))
);
COMMENT ON TABLE approval.decision IS 'One approver at one stage. Insert-only.';
COMMENT ON COLUMN approval.decision.counts_for IS 'The member of the group: who decided, or who delegated to them.';
COMMENT ON COLUMN approval.decision.decided_bytes IS
    'Exactly what was decided on: length-prefixed fields, see approval.field: apv1-decision, request, item set version, its digest, '
    'stage, decision, principal, comment, time.';
