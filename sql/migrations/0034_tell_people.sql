-- Chat and its kin: destinations whose names begin with chat-, which people read.
CREATE TABLE approval.chat_message (
    destination text NOT NULL CHECK (starts_with(destination, 'chat-')),
    thread text NOT NULL,
    ts text NOT NULL CHECK (ts <> '' AND length(ts) <= 255),
    channel text CHECK (channel <> '' AND length(channel) <= 255),
    posted_at timestamptz NOT NULL,
    PRIMARY KEY (destination, thread)
);
CREATE INDEX chat_message_thread ON approval.chat_message (thread text_pattern_ops);
CREATE INDEX chat_message_posted ON approval.chat_message (posted_at);
COMMENT ON TABLE approval.chat_message IS
    'The first message of each thread at each destination, by which it is changed and answered.';
COMMENT ON COLUMN approval.chat_message.ts IS 'The id that it has there, as text: no number has room for all of its digits.';
COMMENT ON COLUMN approval.chat_message.channel IS 'Where it stands there, as it was answered; NULL: where the destination leads.';

CREATE TABLE approval.job_told (
    jid text COLLATE "C" PRIMARY KEY,
    published_at timestamptz NOT NULL,
    look_at timestamptz NOT NULL,
    ok integer,
    failed integer
);
CREATE INDEX job_told_look ON approval.job_told (look_at);
COMMENT ON TABLE approval.job_told IS
    'Jobs of the log that routes are told of, or may be: from when they are published until it is told how they ended. Written '
    'with the log, without waiting for anybody; see approval.tell_jobs.';
COMMENT ON COLUMN approval.job_told.look_at IS 'When it is looked at next.';
COMMENT ON COLUMN approval.job_told.ok IS 'As it was last told, as failed is; NULL: nothing was told.';

-- The next messages of a destination are found in their order, however many wait.
CREATE INDEX outbox_due ON approval.outbox (destination, due_at, created_at, thread) WHERE state = 'waiting';
CREATE INDEX outbox_told ON approval.outbox (delivered_at) WHERE state = 'delivered' AND destination LIKE 'chat-%';

-- Routes choose by more than a filter.
ALTER TABLE approval.route
    ADD COLUMN groups text[] NOT NULL DEFAULT '{}',
    ADD COLUMN types text[] NOT NULL DEFAULT '{}',
    ADD COLUMN outcomes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN functions text[] NOT NULL DEFAULT '{}',
    ADD COLUMN users text[] NOT NULL DEFAULT '{}',
    ADD COLUMN severities text[] NOT NULL DEFAULT '{}',
    ADD COLUMN quiet_hours text REFERENCES approval.calendar,
    DROP CONSTRAINT route_pkey,
    ADD PRIMARY KEY (destination, topic, filter, groups, types, outcomes, functions, users, severities);
COMMENT ON TABLE approval.route IS
    'Notices that a destination gets: those of a topic whose body contains the filter, and that all lists let pass; an empty list '
    'lets all pass. None to begin with. Changed by role policy_admin alone.';
COMMENT ON COLUMN approval.route.topic IS
    'requests: each act on a request as it was recorded. alarms: each alarm, and what people do with it. jobs: jobs as the job log '
    'has them. inventory, drift: what the engine tells.';
COMMENT ON COLUMN approval.route.groups IS 'Minion groups, one of whose minions it is about.';
COMMENT ON COLUMN approval.route.types IS 'Of requests: their types.';
COMMENT ON COLUMN approval.route.outcomes IS 'Of jobs: running, ok, failed or silent.';
COMMENT ON COLUMN approval.route.functions IS 'Of jobs: what they call, where * stands for any text; one of several is enough.';
COMMENT ON COLUMN approval.route.users IS 'Of jobs: who published them, as Salt names users; * stands for any text.';
COMMENT ON COLUMN approval.route.severities IS 'Of alarms: info, warning or critical.';
COMMENT ON COLUMN approval.route.quiet_hours IS
    'A calendar: what is told while it is open is delivered when it closes, unless it is critical or breaks the glass. NULL: none.';
DROP FUNCTION IF EXISTS approval.put_route(text, text, jsonb);
DROP FUNCTION IF EXISTS approval.drop_route(text, text, jsonb);

-- Where people are told of what waits for them.
CREATE TABLE approval.contact (
    principal_id bigint NOT NULL REFERENCES approval.principal,
    channel text NOT NULL CHECK (channel ~ '^[a-z][a-z0-9_-]*$'),
    address text NOT NULL CHECK (address <> '' AND length(address) <= 255 AND address !~ '[[:cntrl:]]|^\s|\s$'),
    muted_until timestamptz,
    PRIMARY KEY (principal_id, channel)
);
COMMENT ON TABLE approval.contact IS
    'Where people are told of what waits for them. Never an identity: who reads or writes there proves nothing by it.';
COMMENT ON COLUMN approval.contact.channel IS 'The destination without chat- before it.';
COMMENT ON COLUMN approval.contact.address IS 'As the channel has it: T1/U2 of Slack, or an address of mail.';
COMMENT ON COLUMN approval.contact.muted_until IS 'Until then nobody is asked there, as they said; NULL: they are.';

CREATE TABLE approval.asked (
    request_id bigint NOT NULL,
    principal_id bigint NOT NULL REFERENCES approval.principal,
    channel text NOT NULL,
    stage_no integer NOT NULL,
    digest text NOT NULL,
    reminders integer NOT NULL CHECK (reminders BETWEEN 0 AND 2),
    PRIMARY KEY (request_id, principal_id, channel)
);
COMMENT ON TABLE approval.asked IS
    'Whom a message tells that a request waits for them now; it goes when they are told that it does not.';
COMMENT ON COLUMN approval.asked.digest IS 'Of what they were shown.';
COMMENT ON COLUMN approval.asked.reminders IS '1: they were reminded. 2: it was the last call.';

CREATE TABLE approval.ask_due (
    request_id bigint PRIMARY KEY,
    look_at timestamptz NOT NULL
);
CREATE INDEX ask_due_look ON approval.ask_due (look_at);
COMMENT ON TABLE approval.ask_due IS
    'When it is looked at next whom a request waits for; see approval.ask_people. Like asked without a foreign key to the request, '
    'whose check would wait for who decides on it.';

CREATE TABLE approval.stranger (
    provider text NOT NULL,
    subject text NOT NULL CHECK (length(subject) <= 255),
    refused_at timestamptz NOT NULL,
    PRIMARY KEY (provider, subject)
);
COMMENT ON TABLE approval.stranger IS 'Who asked by chat and is nobody known, and when that was recorded last.';

CREATE TABLE approval.chat_socket (
    app text PRIMARY KEY CHECK (app <> '' AND length(app) <= 255),
    holder text NOT NULL CHECK (holder <> '' AND length(holder) <= 255),
    leased_until timestamptz NOT NULL
);
COMMENT ON TABLE approval.chat_socket IS
    'The process that hears what people do in a chat, one for each app: of several each would hear but a part.';
COMMENT ON COLUMN approval.chat_socket.leased_until IS 'Another process takes over after that.';
