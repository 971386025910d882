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
