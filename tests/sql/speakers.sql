-- For whom a login may speak, and how sure that is at most.
BEGIN;
\ir support/fixture.sql
SELECT plan(33);

CREATE FUNCTION pg_temp.voice(login text, provider text, subject text DEFAULT 'alice') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    -- As a function of ours does it: with the owner's rights, in the session of the login.
    EXECUTE format('SET SESSION AUTHORIZATION %I', login);
    SELECT a.assurance INTO result FROM pg_temp.acting(provider, subject) AS a;
    RESET SESSION AUTHORIZATION;
    RETURN result;
END
$$;
CREATE FUNCTION pg_temp.acting(provider text, subject text) RETURNS TABLE (assurance text) LANGUAGE sql SECURITY DEFINER AS $$
SELECT a.assurance FROM approval.acting_principal(provider, subject) AS a
$$;

SELECT is((SELECT array_agg(concat_ws(' ', login, provider, assurance, attests)) FROM approval.speaks_for), '{approval_operator salt asserted f}',
    'to begin with salt-run names people');
SELECT is(pg_temp.voice('t_runner', 'salt'), 'asserted', 'which only asserts it');
SELECT is(pg_temp.voice('t_alice', 'pg', 't_alice'), 'authenticated', 'one''s own login proves it');
SELECT throws_ok(format('SELECT pg_temp.voice(%L, %L, %L)', login, provider, subject), 'AP002', NULL, format('%s as %s:%s', login, provider, subject))
FROM (VALUES ('t_runner', 'pg', 't_alice'), ('t_runner', 'jira', 'alice'), ('t_runner', 'oidc', 'alice'), ('t_alice', 'salt', 'alice'),
        ('t_runner', NULL, 'alice'), ('t_runner', '', 'alice'), ('t_alice', 'pg', NULL)) AS refused (login, provider, subject);
SELECT approval.put_identity('jira', name, name) FROM unnest(ARRAY['alice', 'bob']) AS name \g /dev/null

SELECT is(ARRAY[pg_temp.act('t_policy', 'SELECT approval.put_speaker(''t_dave'', ''jira'', ''authenticated'')'),
                pg_temp.act('t_policy', 'SELECT approval.put_speaker(''t_dave'', ''jira'', ''authenticated'')')], '{true,false}', 'a speaker, once');
SELECT is(pg_temp.voice('t_dave', 'jira'), 'authenticated', 'it speaks');
SELECT is((SELECT act || ' ' || detail FROM approval.audit_entry WHERE stream = 0 ORDER BY seq DESC LIMIT 1),
    'speaker-put {"login": "t_dave", "attests": false, "provider": "jira", "assurance": "authenticated"}', 'and that is in the trail');
SELECT throws_ok('SELECT pg_temp.voice(''t_carol'', ''jira'')', 'AP002', NULL, 'nobody else does');
SELECT lives_ok($$SELECT pg_temp.act('t_dave', 'SELECT approval.submit_request(''jira'', ''alice'', ''package'', ''because'', ''{web1}'', ''{package}'',
    ''{hello}'', ''{1}'', NULL, ''jira'', ''CHG-1'')')$$, 'it submits with keys of that system');
SELECT lives_ok($$SELECT pg_temp.act('t_dave', 'SELECT approval.submit_request(''pg'', ''t_dave'', ''package'', ''because'', ''{web1}'', ''{package}'',
    ''{hi}'', ''{1}'', NULL, ''jira'', ''CHG-2'')')$$, 'in its own name too');
SELECT throws_ok($$SELECT pg_temp.act('t_dave', 'SELECT approval.submit_request(''jira'', ''alice'', ''package'', ''because'', ''{web1}'', ''{package}'',
    ''{ho}'', ''{1}'', NULL, ''pg'', ''CHG-1'')')$$, 'AP002', NULL, 'but not with those of people''s logins');

SELECT throws_ok(format('SELECT approval.put_speaker(%L, %L, %L)', login, provider, assurance), 'AP017', NULL, format('%s %s %s', login, provider, assurance))
FROM (VALUES ('t_dave', 'pg', 'asserted'), ('t_dave', 'renewal', 'asserted'), ('t_dave', 'revert', 'asserted'), ('t_dave', 'jira', 'signed'),
        ('t_dave', 'jira', 'sure'), ('t_nobody', 'jira', 'asserted'), ('t_dave', 'Ji ra', 'asserted'), ('t_dave', NULL, 'asserted')) AS bad (login, provider, assurance);

-- Roles: a login has one through others, inherited or not; the login that the session began with counts.
CREATE ROLE t_team; CREATE ROLE t_outer ROLE t_carol; GRANT t_team TO t_outer; ALTER ROLE t_carol NOINHERIT;
SELECT approval.put_speaker('t_team', 'oidc', 'authenticated'), approval.put_identity('oidc', 'alice', 'alice') \g /dev/null
SELECT is(pg_temp.voice('t_carol', 'oidc'), 'authenticated', 'a member of a member speaks');
SELECT approval.put_speaker('t_outer', 'oidc', 'asserted') \g /dev/null
SELECT is(pg_temp.voice('t_carol', 'oidc'), 'asserted', 'of several roles the least counts');
SELECT approval.put_speaker('t_carol', 'oidc', 'authenticated') \g /dev/null
SELECT is(pg_temp.voice('t_carol', 'oidc'), 'authenticated', 'but what is said of the login itself goes before');
GRANT t_alice TO t_runner;
SELECT throws_ok($$SELECT pg_temp.act('t_runner', 'SET LOCAL ROLE t_alice; SELECT approval.whoami(''pg'', ''t_alice'')')$$, 'AP002', NULL,
    'SET ROLE makes nobody another');
ALTER ROLE t_dave RENAME TO t_david;
SELECT throws_ok('SELECT pg_temp.voice(''t_david'', ''jira'')', 'AP002', NULL, 'a login that was renamed no longer speaks');
SELECT is((SELECT subject FROM approval.check_policy() WHERE subject LIKE 'speaker %'), 'speaker t_dave', 'of which check warns');
SELECT is(ARRAY[approval.drop_speaker('t_dave', 'jira'), approval.drop_speaker('t_dave', 'jira')], '{t,f}', 'dropped once');
SELECT approval.drop_speaker('approval_operator', 'salt') \g /dev/null
SELECT throws_ok('SELECT pg_temp.voice(''t_runner'', ''salt'')', 'AP002', NULL, 'nor does salt-run without its row');
SELECT * FROM finish();
ROLLBACK;
