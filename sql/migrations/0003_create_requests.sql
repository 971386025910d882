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
    'converged: every item was proven. superseded: replaced before it was applied. withdrawn: cancelled before its time came.';

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
    FOREIGN KEY (type_name, type_version) REFERENCES approval.request_type,
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
    satisfied_at timestamptz,
    PRIMARY KEY (request_id, stage_no)
);
COMMENT ON TABLE approval.request_stage IS 'The chain, frozen into the request when it was submitted.';

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
    state text NOT NULL CHECK (state IN ('proposed', 'void', 'approved', 'superseded', 'withdrawn')),
    kind text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    content text,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    effective_at timestamptz,
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
        OR (kind = 'value' AND type = 'json' AND content IS NOT NULL)),
    CONSTRAINT item_effective CHECK ((state IN ('approved', 'superseded', 'withdrawn')) = (effective_at IS NOT NULL)),
    CONSTRAINT item_approval CHECK ((effective_at IS NULL) = (approval_seq IS NULL)),
    CONSTRAINT item_pinned CHECK (pinned IS NULL OR type = 'latest'),
    CONSTRAINT item_applied CHECK ((outcome = 'converged') = (applied_at IS NOT NULL)),
    CONSTRAINT item_before CHECK (before_known OR before_content IS NULL)
);
CREATE UNIQUE INDEX item_once ON approval.item (request_id, item_set_version, minion_id, kind, name);
CREATE INDEX item_in_force ON approval.item (minion_id, kind, name) WHERE state = 'approved';
CREATE INDEX item_waiting ON approval.item (request_id) WHERE state = 'approved' AND outcome = 'waiting';
COMMENT ON TABLE approval.item IS 'One minion and one resource of a request: what shall hold there, and what came of it.';
COMMENT ON COLUMN approval.item.content IS 'package: a version, latest, or NULL (absent); service: running or dead; value: canonical JSON.';
COMMENT ON COLUMN approval.item.pinned IS 'The version that latest meant when the item was first proven.';
COMMENT ON COLUMN approval.item.outcome IS 'What evidence last proved; converged is final: later deviation is drift of the minion, not of the item.';
COMMENT ON COLUMN approval.item.before_content IS 'What the minion had before it first applied the item; first writer wins.';

CREATE TABLE approval.decision (
    request_id bigint NOT NULL,
    item_set_version integer NOT NULL,
    stage_no integer NOT NULL,
    principal_id bigint NOT NULL REFERENCES approval.principal,
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
    PRIMARY KEY (request_id, item_set_version, stage_no, principal_id),
    FOREIGN KEY (request_id, stage_no) REFERENCES approval.request_stage,
    FOREIGN KEY (request_id, item_set_version) REFERENCES approval.item_set,
    CONSTRAINT decision_signed CHECK ((assurance = 'signed') = (signature IS NOT NULL AND key_id IS NOT NULL))
);
COMMENT ON TABLE approval.decision IS 'One approver at one stage. Insert-only.';
COMMENT ON COLUMN approval.decision.decided_bytes IS
    'Exactly what was decided on: length-prefixed fields, see approval.field: apv1-decision, request, item set version, its digest, '
    'stage, decision, principal, comment, time.';
