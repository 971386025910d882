-- What every test file starts from, inside its own transaction: three minions, three people, two types, and helpers.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
CREATE ROLE t_alice LOGIN; CREATE ROLE t_bob LOGIN; CREATE ROLE t_carol LOGIN; CREATE ROLE t_dave LOGIN;
GRANT approval_person TO t_alice, t_bob, t_carol, t_dave;
CREATE ROLE t_runner LOGIN; GRANT approval_operator TO t_runner;
CREATE ROLE t_policy LOGIN; GRANT approval_policy_admin TO t_policy;
CREATE ROLE t_exporter LOGIN; GRANT approval_exporter TO t_exporter;
CREATE ROLE t_returner LOGIN; GRANT approval_returner TO t_returner;
CREATE ROLE t_minion LOGIN; GRANT approval_minion_returner TO t_minion;
CREATE ROLE t_engine LOGIN; GRANT approval_engine TO t_engine;
CREATE ROLE t_auditor LOGIN; GRANT approval_auditor TO t_auditor;
CREATE ROLE t_stranger LOGIN;

-- Runs one statement as somebody else's session and gives its first value as text.
CREATE FUNCTION pg_temp.act(login text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SET SESSION AUTHORIZATION %I', login);
    EXECUTE statement INTO result;
    RESET SESSION AUTHORIZATION;
    RETURN result;
END
$$;

-- A package request by a person's own login, over every given minion.
CREATE FUNCTION pg_temp.ask(login text, type text, minions text[], package text, version text, after timestamptz DEFAULT NULL,
                           overlap text DEFAULT NULL)
    RETURNS bigint LANGUAGE sql AS $$
SELECT pg_temp.act(login, format(
    'SELECT approval.submit_request(''pg'', %L, %L, ''because'', %L, %L, %L, %L, %L, ''pg'', NULL, NULL, %L)',
    login, type, minions, array_fill('package'::text, ARRAY[cardinality(minions)]), array_fill(package, ARRAY[cardinality(minions)]),
    array_fill(version, ARRAY[cardinality(minions)]), after, overlap))::bigint
$$;

CREATE FUNCTION pg_temp.decide(login text, number bigint, decision text DEFAULT 'approve', digest text DEFAULT NULL) RETURNS text
    LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.decide(''pg'', %L, %s, %L, ''seen'', %L)', login, number, decision, digest))
$$;

CREATE FUNCTION pg_temp.state_of(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT state FROM approval.request WHERE request_id = number
$$;

-- A return of one minion with one finding per given package, recorded with the login of a master.
CREATE FUNCTION pg_temp.report(
    minion text, revision bigint, packages text[], verdicts text[], observed text[], run text,
    authenticated boolean DEFAULT true, login text DEFAULT 't_returner', jid text DEFAULT NULL, before text[] DEFAULT NULL)
    RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format(
    'SELECT outcome FROM approval.record_returns(ARRAY[%L], ARRAY[%L], ''{state.apply}'', ''{0}'', ''{t}'', ARRAY[%L], ARRAY[%L]::boolean[], '
    'ARRAY[%L]::bigint[], ARRAY[%L], ARRAY[%L], ''{boot}'', ARRAY[%L], ARRAY[%L], ARRAY[''\x00''::bytea], ARRAY[%L]::bytea[])',
    coalesce(jid, to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS')), minion, verdicts[1], authenticated, revision,
    (SELECT h.digest FROM approval.document_history AS h WHERE h.minion_id = report.minion AND h.revision = report.revision), run,
    (SELECT coalesce(json_agg(json_build_array('package', f.name, f.verdict, 'observed', NULL, f.seen, 'evidence', 'as seen')), '[]')
     FROM unnest(packages, verdicts[1:cardinality(packages)], observed[1:cardinality(packages)]) AS f (name, verdict, seen)),
    (SELECT json_agg(json_build_array('package', f.name, f.content))
     FROM unnest(packages[1:cardinality(before)], before) AS f (name, content)),
    sha256(convert_to(run || coalesce(verdicts[1], '') || coalesce(observed[1], ''), 'UTF8'))))
$$;

SELECT approval.put_minions(ARRAY['web1', 'web2', '%', 'web_', 'Zoë''s "box"']) \g /dev/null
SELECT approval.put_group(name, '') FROM unnest(ARRAY['owners', 'board', 'deserted']) AS name \g /dev/null
SELECT approval.put_principal(name, 'person') FROM unnest(ARRAY['alice', 'bob', 'carol', 'dave']) AS name \g /dev/null
SELECT approval.put_identity('pg', 't_' || name, name), approval.put_identity('salt', name, name)
FROM unnest(ARRAY['alice', 'bob', 'carol', 'dave']) AS name \g /dev/null
SELECT approval.put_membership('owners', 'bob'), approval.put_membership('owners', 'carol'), approval.put_membership('board', 'carol'),
    approval.put_membership('board', 'dave'), approval.put_membership('owners', 'alice') \g /dev/null
SELECT approval.put_request_type('{"name": "package", "kind": "package", "requesters": ["*"], "chain": [
    {"name": "owner", "any_of": [{"group": "owners", "quorum": 1}]},
    {"name": "board", "min_assurance": "authenticated", "any_of": [{"group": "board", "quorum": 1}]}]}') \g /dev/null
SELECT approval.put_request_type('{"name": "standard", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
