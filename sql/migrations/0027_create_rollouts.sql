-- Requests whose minions are sent in waves, and machines of which only so many may be worked on at a time.
ALTER TABLE approval.request ADD COLUMN rollout jsonb;
COMMENT ON COLUMN approval.request.rollout IS
    'The parts of the type''s rollout that the requester asked to be stricter; NULL: none.';

ALTER TABLE approval.minion_group ADD COLUMN at_once integer CHECK (at_once > 0);
COMMENT ON COLUMN approval.minion_group.at_once IS
    'On so many of the group''s minions at most something is done at the same time, over all requests; NULL: on any number.';

CREATE TABLE approval.rollout (
    request_id bigint PRIMARY KEY REFERENCES approval.request,
    plan jsonb NOT NULL,
    soak interval NOT NULL,
    max_failures integer NOT NULL CHECK (max_failures >= 0),
    max_in_flight integer CHECK (max_in_flight > 0),
    state text NOT NULL CHECK (state IN ('running', 'halted', 'given-up', 'done')),
    accepted_failures integer NOT NULL DEFAULT 0 CHECK (accepted_failures >= 0),
    look_at timestamptz NOT NULL,
    halted_at timestamptz,
    halted_because text,
    CONSTRAINT rollout_halted CHECK ((halted_at IS NULL) = (halted_because IS NULL) AND (state <>
    'halted' OR halted_at IS NOT NULL))
);
CREATE INDEX rollout_open ON approval.rollout (state) WHERE state IN ('running', 'halted');
COMMENT ON TABLE approval.rollout IS
    'An approved request whose minions are sent in waves. running: the next wave opens once the one before has its verdicts '
    'and has soaked. '
    'halted: by failures, until somebody decides. given-up: somebody decided so; what was not sent is withdrawn. done: the '
    'last wave has its '
    'verdicts.';
COMMENT ON COLUMN approval.rollout.plan IS 'The type''s rollout, with what the request made stricter.';
COMMENT ON COLUMN approval.rollout.soak IS 'How long a wave that has its verdicts is watched before the next one opens.';
COMMENT ON COLUMN approval.rollout.max_failures IS 'More minions than this that failed, beyond accepted_failures, halt it.';
COMMENT ON COLUMN approval.rollout.max_in_flight IS
    'Minions that may be sent something and have no verdict, at the same time; NULL: any number.';
COMMENT ON COLUMN approval.rollout.accepted_failures IS 'Those there were when somebody last let it go on.';
COMMENT ON COLUMN approval.rollout.look_at IS 'When the engine is to see next whether it goes on.';
COMMENT ON COLUMN approval.rollout.halted_at IS 'When it halted the last time.';

CREATE TABLE approval.wave (
    request_id bigint NOT NULL REFERENCES approval.rollout,
    wave_no integer NOT NULL CHECK (wave_no > 0),
    is_canaries boolean NOT NULL,
    minions integer NOT NULL CHECK (minions > 0),
    opened_at timestamptz,
    settled_at timestamptz,
    PRIMARY KEY (request_id, wave_no),
    CONSTRAINT wave_settled CHECK (settled_at >= opened_at AND (settled_at IS NULL OR opened_at IS NOT NULL))
);
COMMENT ON TABLE approval.wave IS 'A part of a request''s minions that is sent together.';
COMMENT ON COLUMN approval.wave.settled_at IS 'When each of its minions had a verdict; it soaks since then.';

CREATE TABLE approval.wave_minion (
    request_id bigint NOT NULL,
    minion_id text NOT NULL REFERENCES approval.minion,
    wave_no integer NOT NULL,
    opened_at timestamptz,
    ping_jid text,
    pinged_at timestamptz,
    present_at timestamptz,
    absent_at timestamptz,
    verdict text CHECK (verdict IN ('converged', 'failed', 'silent', 'absent', 'gone')),
    PRIMARY KEY (request_id, minion_id),
    FOREIGN KEY (request_id, wave_no) REFERENCES approval.wave,
    CONSTRAINT wave_minion_ping CHECK ((ping_jid IS NULL) = (pinged_at IS NULL))
);
CREATE INDEX wave_minion_wave ON approval.wave_minion (request_id, wave_no);
CREATE INDEX wave_minion_open ON approval.wave_minion (request_id)
    WHERE opened_at IS NOT NULL AND (verdict IS NULL OR verdict IN ('failed', 'silent', 'absent'));
COMMENT ON TABLE approval.wave_minion IS
    'The wave that each minion of a request is of, and what came of it. converged: proven. failed: evidence says otherwise. '
    'silent: it was '
    'there and was sent, and did not return in time. absent: it did not answer to a ping, and was set aside. gone: nothing is '
    'to be done on '
    'it any more.';
COMMENT ON COLUMN approval.wave_minion.opened_at IS
    'Since when the change is no longer held back on this minion: its wave opened; NULL: it is held back, also where its wave '
    'halted before it '
    'was sent anything.';
COMMENT ON COLUMN approval.wave_minion.ping_jid IS 'The job that last asked whether it is there, written before it was published.';
COMMENT ON COLUMN approval.wave_minion.absent_at IS 'When it was last set aside, as it did not answer.';
COMMENT ON COLUMN approval.wave_minion.present_at IS 'When it was seen to have answered.';

CREATE TABLE approval.sending_pause (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    paused_at timestamptz NOT NULL,
    paused_by text NOT NULL,
    comment text NOT NULL
);
COMMENT ON TABLE approval.sending_pause IS 'A row while somebody has paused all sending to minions.';

-- Each has an argument more.
DROP FUNCTION IF EXISTS approval.submit_request(
    text, text, text, text, text[], text[], text[], text[], timestamptz, text, text, text, text);
DROP FUNCTION IF EXISTS approval.open_request(
    bigint, text, text, text, approval.request_type, text, text[], text[], text[], text[], timestamptz, text, text, bigint, text,
    bigint, bigint);
DROP FUNCTION IF EXISTS approval.put_minion_group(text, text, text[]);
DROP FUNCTION IF EXISTS approval.note_sent(text, bigint, text, boolean);
DROP FUNCTION IF EXISTS approval.begin_dispatch(text, bigint, text, text);
DROP FUNCTION IF EXISTS approval.dispatchable(bigint, text, bigint, timestamptz);
