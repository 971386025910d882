-- Who may read what, as the policy says; and over which groups of minions requests are, so that no list has to look at items.
CREATE TABLE approval.reader (
    what text NOT NULL CHECK (what IN ('requests', 'values', 'job_log', 'audit')),
    group_name text NOT NULL REFERENCES approval.principal_group,
    minion_group text REFERENCES approval.minion_group,
    UNIQUE NULLS NOT DISTINCT (what, group_name, minion_group)
);
COMMENT ON TABLE approval.reader IS
    'Who may read what: the members of a group of people, of a group of minions. What has no row here may be read by all known '
    'people.';
COMMENT ON COLUMN approval.reader.what IS
    'requests: requests, minions and how they stand; values: what is asked for and what was found; job_log: jobs and returns; '
    'audit.';
COMMENT ON COLUMN approval.reader.minion_group IS 'NULL: of all minions.';

CREATE TABLE approval.request_reach (
    request_id bigint NOT NULL REFERENCES approval.request,
    minion_groups text[] NOT NULL,
    minions bigint NOT NULL CHECK (minions >= 0),
    PRIMARY KEY (request_id, minion_groups)
);
COMMENT ON TABLE approval.request_reach IS
    'How many minions that a request names, or named before it was amended, are in which groups; of groups that table reader '
    'names.';
COMMENT ON COLUMN approval.request_reach.minion_groups IS 'Just these groups, sorted; empty: in none of them.';

-- Each has an argument more: for whom is read, or which groups of minions are.
DROP FUNCTION IF EXISTS approval.list_requests(text, text, text, bigint, integer);
DROP FUNCTION IF EXISTS approval.show_request(bigint, text[], text[], integer);
DROP FUNCTION IF EXISTS approval.show_plan(bigint);
DROP FUNCTION IF EXISTS approval.show_state(text);
DROP FUNCTION IF EXISTS approval.list_returns(text, text, boolean, timestamptz, text[], integer, boolean);
DROP FUNCTION IF EXISTS approval.list_jobs(
    text, timestamptz, timestamptz, text, text, bigint, timestamptz, text, integer);
DROP FUNCTION IF EXISTS approval.list_reinstalls(text, integer);
DROP FUNCTION IF EXISTS approval.replay_type(jsonb, integer);
DROP FUNCTION IF EXISTS approval.search_packages(text, text, integer);
DROP FUNCTION IF EXISTS approval.out_of_line(integer, text, text, text[]);
DROP FUNCTION IF EXISTS approval.count_standings();
DROP FUNCTION IF EXISTS approval.list_audit(
    bigint, text, text, timestamptz, timestamptz, timestamptz, bigint, bigint, integer);
DROP FUNCTION IF EXISTS approval.verify_audit();
DROP FUNCTION IF EXISTS approval.export_audit();
DROP FUNCTION IF EXISTS approval.check_policy();
DROP FUNCTION IF EXISTS approval.check_work();
DROP FUNCTION IF EXISTS approval.check_alarms();
DROP FUNCTION IF EXISTS approval.lock_request(bigint);
DROP FUNCTION IF EXISTS approval.chat_story(text);
-- They tell besides what the person may read.
DROP FUNCTION IF EXISTS approval.use_session(bytea);
DROP FUNCTION IF EXISTS approval.use_api_token(bytea);
