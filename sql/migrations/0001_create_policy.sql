-- Who is who, and which kinds of request pass which chain. Changed only through functions of role policy_admin.
CREATE TABLE approval.principal (
    principal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    kind text NOT NULL CHECK (kind IN ('person', 'service')),
    created_at timestamptz NOT NULL,
    disabled_at timestamptz
);
COMMENT ON TABLE approval.principal IS 'A person or a service that acts. Never deleted: decisions refer to it.';
COMMENT ON COLUMN approval.principal.disabled_at IS 'Since when the principal may no longer act; NULL: it may.';

CREATE TABLE approval.identity (
    provider text NOT NULL CHECK (provider ~ '^[a-z][a-z0-9_-]*$'),
    subject text NOT NULL CHECK (subject <> ''),
    principal_id bigint NOT NULL REFERENCES approval.principal,
    PRIMARY KEY (provider, subject)
);
CREATE INDEX identity_principal ON approval.identity (principal_id);
COMMENT ON TABLE approval.identity IS 'The ways a principal is known: (provider, subject), as pg:bob, salt:alice, jira:712020.';

CREATE TABLE approval.principal_group (
    group_name text PRIMARY KEY CHECK (group_name <> '' AND group_name <> '*'),
    title text NOT NULL
);
COMMENT ON TABLE approval.principal_group IS 'A named set of principals, that may request or approve.';

CREATE TABLE approval.membership (
    group_name text NOT NULL REFERENCES approval.principal_group,
    principal_id bigint NOT NULL REFERENCES approval.principal,
    PRIMARY KEY (group_name, principal_id)
);
CREATE INDEX membership_principal ON approval.membership (principal_id);
COMMENT ON TABLE approval.membership IS 'Which principals a group has. Read when a decision is made, so leaving a group counts at once.';

CREATE TABLE approval.assurance (
    assurance text PRIMARY KEY,
    strength integer NOT NULL UNIQUE
);
INSERT INTO approval.assurance VALUES ('asserted', 1), ('authenticated', 2), ('signed', 3);
COMMENT ON TABLE approval.assurance IS 'How sure it is who acted: asserted (named by salt-run), authenticated (own login), signed (own key).';

CREATE TABLE approval.delegation (
    delegation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_principal bigint NOT NULL REFERENCES approval.principal,
    to_principal bigint NOT NULL REFERENCES approval.principal,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    CHECK (from_principal <> to_principal),
    CHECK (starts_at < ends_at AND ends_at < 'infinity')
);
CREATE INDEX delegation_to ON approval.delegation (to_principal, ends_at);
COMMENT ON TABLE approval.delegation IS 'An approver lets another decide in their stead until a date. The decision counts for the one who delegated.';

CREATE TABLE approval.calendar (
    calendar_name text PRIMARY KEY CHECK (calendar_name ~ '^[a-z][a-z0-9-]*$'),
    rule text NOT NULL,
    time_zone text NOT NULL,
    duration interval NOT NULL CHECK (duration > interval '0'),
    starts_on timestamp NOT NULL
);
COMMENT ON TABLE approval.calendar IS 'A maintenance window that recurs: an RFC 5545 recurrence rule, counted from starts_on in time_zone.';

CREATE TABLE approval.calendar_span (
    calendar_name text NOT NULL REFERENCES approval.calendar ON DELETE CASCADE,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (calendar_name, starts_at),
    CHECK (starts_at < ends_at)
);
COMMENT ON TABLE approval.calendar_span IS 'The openings of a calendar, worked out ahead. Beyond the last one it counts as closed.';

CREATE TABLE approval.request_type (
    type_name text NOT NULL CHECK (type_name ~ '^[a-z][a-z0-9-]*$'),
    type_version integer NOT NULL CHECK (type_version > 0),
    title text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('package', 'service', 'value', 'action', 'any')),
    requesters text[] NOT NULL CHECK (cardinality(requesters) > 0),
    targets text[] NOT NULL CHECK (cardinality(targets) > 0),
    pre_approved boolean NOT NULL,
    self_approval boolean NOT NULL,
    repeat_approval boolean NOT NULL,
    max_open interval NOT NULL CHECK (max_open > interval '0'),
    valid_for interval CHECK (valid_for > interval '0'),
    calendar_name text REFERENCES approval.calendar,
    review_group text REFERENCES approval.principal_group,
    action jsonb,
    parameters jsonb,
    definition jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (type_name, type_version),
    CONSTRAINT request_type_action CHECK ((kind = 'action') = (action IS NOT NULL))
);
COMMENT ON TABLE approval.request_type IS
    'A mapped kind of request. The highest version counts; earlier ones stand, unchanged, for the requests made under them. Insert-only.';
COMMENT ON COLUMN approval.request_type.kind IS 'What its items are about; any: only for reverts, which take the kinds of what they undo.';
COMMENT ON COLUMN approval.request_type.requesters IS 'Groups whose members may ask; {*}: every known principal.';
COMMENT ON COLUMN approval.request_type.targets IS 'Minion groups that it may name; {*}: every registered minion.';
COMMENT ON COLUMN approval.request_type.pre_approved IS 'An empty chain by explicit choice: approved as soon as it is submitted.';
COMMENT ON COLUMN approval.request_type.self_approval IS 'Who asked may also approve. By explicit choice only.';
COMMENT ON COLUMN approval.request_type.repeat_approval IS 'One person may count in several stages of a request. By explicit choice only.';
COMMENT ON COLUMN approval.request_type.max_open IS 'How long a request may wait for its approvals before it expires.';
COMMENT ON COLUMN approval.request_type.valid_for IS 'How long what was approved holds before it must be approved again; NULL: until something else is.';
COMMENT ON COLUMN approval.request_type.calendar_name IS 'Changes are applied for the first time only while this calendar is open; NULL: at any time.';
COMMENT ON COLUMN approval.request_type.review_group IS 'Somebody of this group must review afterwards; NULL: no review.';
COMMENT ON COLUMN approval.request_type.action IS 'The Salt function of an action: {"function", "arg", "kwarg"}.';
COMMENT ON COLUMN approval.request_type.parameters IS 'JSON Schema for what a requester may give; clients check it at intake.';

CREATE TABLE approval.request_type_stage (
    type_name text NOT NULL,
    type_version integer NOT NULL,
    stage_no integer NOT NULL CHECK (stage_no > 0),
    name text NOT NULL CHECK (name <> ''),
    min_assurance text NOT NULL REFERENCES approval.assurance,
    more_than_minions integer NOT NULL DEFAULT 0 CHECK (more_than_minions >= 0),
    timeout interval CHECK (timeout > interval '0'),
    escalate_to text REFERENCES approval.principal_group,
    PRIMARY KEY (type_name, type_version, stage_no),
    FOREIGN KEY (type_name, type_version) REFERENCES approval.request_type,
    CONSTRAINT request_type_stage_escalation CHECK (escalate_to IS NULL OR timeout IS NOT NULL)
);
COMMENT ON TABLE approval.request_type_stage IS 'The chain of a type: stages in order, all needed.';
COMMENT ON COLUMN approval.request_type_stage.more_than_minions IS 'The stage is needed only by requests over more minions than this.';
COMMENT ON COLUMN approval.request_type_stage.timeout IS
    'How long the stage may wait. Then one approval of escalate_to passes it too; with none named, the request is rejected.';

CREATE TABLE approval.request_type_quorum (
    type_name text NOT NULL,
    type_version integer NOT NULL,
    stage_no integer NOT NULL,
    group_name text NOT NULL REFERENCES approval.principal_group,
    quorum integer NOT NULL CHECK (quorum > 0),
    PRIMARY KEY (type_name, type_version, stage_no, group_name),
    FOREIGN KEY (type_name, type_version, stage_no) REFERENCES approval.request_type_stage
);
COMMENT ON TABLE approval.request_type_quorum IS 'The alternatives of a stage: any one group reaching its quorum passes it.';
