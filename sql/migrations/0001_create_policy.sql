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

CREATE TABLE approval.request_type (
    type_name text NOT NULL CHECK (type_name ~ '^[a-z][a-z0-9-]*$'),
    type_version integer NOT NULL CHECK (type_version > 0),
    title text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('package', 'service', 'value')),
    requesters text[] NOT NULL CHECK (cardinality(requesters) > 0),
    pre_approved boolean NOT NULL,
    max_open interval NOT NULL CHECK (max_open > interval '0'),
    definition jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (type_name, type_version)
);
COMMENT ON TABLE approval.request_type IS 'A mapped kind of request. The highest version counts; earlier ones stand for the requests made under them.';
COMMENT ON COLUMN approval.request_type.requesters IS 'Groups whose members may ask; {*}: every known principal.';
COMMENT ON COLUMN approval.request_type.pre_approved IS 'An empty chain by explicit choice: approved as soon as it is submitted.';
COMMENT ON COLUMN approval.request_type.max_open IS 'How long a request may wait for its approvals before it expires.';

CREATE TABLE approval.request_type_stage (
    type_name text NOT NULL,
    type_version integer NOT NULL,
    stage_no integer NOT NULL CHECK (stage_no > 0),
    name text NOT NULL CHECK (name <> ''),
    min_assurance text NOT NULL REFERENCES approval.assurance,
    PRIMARY KEY (type_name, type_version, stage_no),
    FOREIGN KEY (type_name, type_version) REFERENCES approval.request_type
);
COMMENT ON TABLE approval.request_type_stage IS 'The chain of a type: stages in order, all needed.';

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
