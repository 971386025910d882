-- Alarms, which people ought to look at: kept, merged, told, and closed by somebody with a reason.
CREATE TABLE approval.alarm_kind (
    kind text PRIMARY KEY CHECK (kind ~ '^[a-z]+(-[a-z]+)*$'),
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    functions text[],
    read_only text[],
    CONSTRAINT alarm_kind_functions CHECK ((functions IS NULL) = (read_only IS NULL))
);
INSERT INTO approval.alarm_kind (kind, severity) VALUES
    ('overlapping-run', 'warning'), ('drift', 'warning'), ('break-glass', 'critical'), ('halted-wave', 'critical'),
    ('forged-return', 'critical'), ('replaced-key', 'warning'), ('failing-seal', 'critical');
INSERT INTO approval.alarm_kind (kind, severity, functions, read_only)
SELECT kind, 'warning', ARRAY['pkg.*', 'chocolatey.*', 'service.*', 'state.*'], ARRAY[
    'pkg.list_*', 'pkg.version*', 'pkg.latest_version', 'pkg.available_version', 'pkg.upgrade_available', 'pkg.info*', 'pkg.show',
    'pkg.file_*', 'pkg.owner', 'pkg.diff', 'pkg.search', 'pkg.get_*', 'pkg.which', 'pkg.verify', 'pkg.check_*',
    'pkg.normalize_name', 'pkg.parse_*', 'pkg.group_list', 'pkg.group_info', 'pkg.group_diff', 'pkg.modified', 'pkg.refresh_db',
    'pkg.services_need_restart', 'chocolatey.list*', 'chocolatey.version', 'chocolatey.chocolatey_version',
    'service.status', 'service.available', 'service.missing', 'service.enabled', 'service.disabled', 'service.masked',
    'service.get_*', 'service.getsid', 'service.show', 'service.list*', 'service.info', 'service.execs',
    'state.show_*', 'state.test', 'state.running', 'state.check_request', 'state.list_*', 'state.sls_exists', 'state.id_exists',
    'state.get_*']
FROM unnest(ARRAY['unapproved-job', 'run-in-freeze']) AS of_jobs (kind);
COMMENT ON TABLE approval.alarm_kind IS
    'The kinds of alarms. unapproved-job: a job that changes what is under approval, with no request behind it. overlapping-run: '
    'a state run while another ran. run-in-freeze: a manual run inside a freeze. drift: what was applied is otherwise now. '
    'break-glass: a request went past windows and freezes. halted-wave: too many failures halted a rollout. forged-return: a '
    'return that its minion cannot have sent for that job. replaced-key: a known minion came with another key. failing-seal: '
    'acts of the audit were not sealed for minutes.';
COMMENT ON COLUMN approval.alarm_kind.severity IS 'As long as no rule of the policy says otherwise; so are the other columns.';
COMMENT ON COLUMN approval.alarm_kind.functions IS
    'Of kinds about jobs: the functions of Salt that count, where * stands for any text; NULL: the kind is about something else.';
COMMENT ON COLUMN approval.alarm_kind.read_only IS 'Those of functions that change nothing, and raise nothing.';

CREATE TABLE approval.alarm_rule (
    kind text PRIMARY KEY REFERENCES approval.alarm_kind,
    enabled boolean,
    severity text CHECK (severity IN ('info', 'warning', 'critical')),
    functions text[],
    read_only text[],
    group_functions jsonb CHECK (jsonb_typeof(group_functions) = 'object'),
    quiet_hours text REFERENCES approval.calendar,
    muted_groups text[]
);
COMMENT ON TABLE approval.alarm_rule IS
    'What the policy says of a kind of alarm; NULL: nothing, so that what alarm_kind has holds. Changed by role policy_admin '
    'alone.';
COMMENT ON COLUMN approval.alarm_rule.enabled IS 'Whether any is raised; NULL: they are.';
COMMENT ON COLUMN approval.alarm_rule.group_functions IS
    'Minion group -> functions that count on its minions, beside those that count on all.';
COMMENT ON COLUMN approval.alarm_rule.quiet_hours IS
    'A calendar: while it is open nobody is told, unless the severity is critical. They are told when it closes.';
COMMENT ON COLUMN approval.alarm_rule.muted_groups IS 'Minion groups whose minions raise none.';

CREATE TABLE approval.alarm_signal (
    signal_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    minions text[] NOT NULL,
    minion_count integer NOT NULL CHECK (minion_count >= cardinality(minions)),
    cause text NOT NULL,
    alike text NOT NULL,
    who text,
    what text NOT NULL,
    jid text,
    request_id bigint,
    seen_at timestamptz NOT NULL,
    times integer NOT NULL CHECK (times > 0)
);
CREATE INDEX alarm_signal_minion ON approval.alarm_signal (kind, coalesce(minions[1], ''));
COMMENT ON TABLE approval.alarm_signal IS
    'Observations that are to become alarms, with columns as alarm has them: written in the transaction that made them, where '
    'nobody may wait for anybody (so without foreign keys, whose checks lock), and taken away within a second by '
    'approval.settle_alarms.';
COMMENT ON COLUMN approval.alarm_signal.times IS 'How many observations it stands for.';

CREATE TABLE approval.alarm (
    alarm_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL REFERENCES approval.alarm_kind,
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    minions text[] NOT NULL,
    minion_count integer NOT NULL CHECK (minion_count >= cardinality(minions)),
    cause text NOT NULL,
    alike text NOT NULL,
    who text,
    what text NOT NULL,
    jid text,
    request_id bigint REFERENCES approval.request,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL CHECK (last_at >= first_at),
    count bigint NOT NULL CHECK (count > 0),
    told_at timestamptz,
    muted_until timestamptz,
    acknowledged_at timestamptz,
    decided_by text,
    comment text,
    CONSTRAINT alarm_decided CHECK (
        (decided_by IS NOT NULL) = (muted_until IS NOT NULL OR acknowledged_at IS NOT NULL)
        AND (decided_by IS NULL) = (comment IS NULL))
);
CREATE INDEX alarm_open ON approval.alarm (kind, cause) WHERE acknowledged_at IS NULL;
CREATE INDEX alarm_recent ON approval.alarm (kind, alike, first_at) WHERE acknowledged_at IS NULL;
CREATE INDEX alarm_untold ON approval.alarm (alarm_id) WHERE told_at IS NULL AND acknowledged_at IS NULL;
CREATE INDEX alarm_acknowledged ON approval.alarm (acknowledged_at) WHERE acknowledged_at IS NOT NULL;
COMMENT ON TABLE approval.alarm IS
    'A record that somebody is to acknowledge. Open ones are unique for kind, cause and each of the minions that are named.';
COMMENT ON COLUMN approval.alarm.minions IS 'The first hundred; none: it is about no minion.';
COMMENT ON COLUMN approval.alarm.minion_count IS
    'How many minions there are. Where not all are named, one may have been counted twice.';
COMMENT ON COLUMN approval.alarm.cause IS 'What caused it: an equal one on the same minion is counted, and is no alarm of its own.';
COMMENT ON COLUMN approval.alarm.alike IS 'What it has in common with those that are one alarm with it within a minute.';
COMMENT ON COLUMN approval.alarm.who IS 'The user whom Salt names, or a principal; NULL: nobody is known.';
COMMENT ON COLUMN approval.alarm.what IS 'The command, masked, or a sentence: the first that was seen.';
COMMENT ON COLUMN approval.alarm.jid IS 'The job in which it was first seen; NULL: it was in none.';
COMMENT ON COLUMN approval.alarm.request_id IS 'The request that it is about; NULL: none.';
COMMENT ON COLUMN approval.alarm.count IS 'How often it was seen.';
COMMENT ON COLUMN approval.alarm.told_at IS 'When a notice was posted, whether any route led to somebody; NULL: not yet.';
COMMENT ON COLUMN approval.alarm.muted_until IS 'Until when it is counted and nobody is told, by decided_by.';
COMMENT ON COLUMN approval.alarm.acknowledged_at IS 'When decided_by closed it; NULL: it is open.';
COMMENT ON COLUMN approval.alarm.comment IS 'The reason that decided_by gave.';

-- Routes lead alarms to somebody.
ALTER TABLE approval.route DROP CONSTRAINT route_topic_check,
    ADD CONSTRAINT route_topic_check CHECK (topic IN ('requests', 'jobs', 'inventory', 'drift', 'alarms'));
COMMENT ON COLUMN approval.route.topic IS
    'requests: each act on a request as it was recorded. alarms: each alarm, and what people do with it. jobs, inventory, drift: '
    'what the engine tells.';

-- It is told now what a published job runs.
DROP FUNCTION IF EXISTS approval.save_load(text, text, text, text, text, text[], bytea, boolean, double precision);
