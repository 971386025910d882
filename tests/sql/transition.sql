-- Every pair of states: the legal edges are taken, every other one is refused.
BEGIN;
\ir support/fixture.sql
SELECT plan(12);

SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS request \gset
CREATE FUNCTION pg_temp.try(number bigint, f text, t text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    UPDATE approval.request
    SET state = f, approved_at = CASE WHEN s.was_approved THEN now() END, closed_at = CASE WHEN s.is_closed THEN now() END
    FROM approval.request_state AS s WHERE request_id = number AND s.state = f;
    PERFORM approval.move_request(number, f, t, now());
    RETURN 'taken';
EXCEPTION WHEN SQLSTATE 'AP006' THEN
    RETURN 'refused';
END
$$;
SELECT results_eq(
    format('SELECT f.state, t.state FROM approval.request_state AS f, approval.request_state AS t
            WHERE pg_temp.try(%s, f.state, t.state) = ''taken'' ORDER BY 1, 2', :request),
    'SELECT from_state, to_state FROM approval.transition ORDER BY 1, 2', 'of a hundred pairs, just the legal edges are taken');
SELECT set_eq('SELECT * FROM approval.transition', $$VALUES
    ('pending', 'approved'), ('pending', 'rejected'), ('pending', 'cancelled'), ('pending', 'expired'),
    ('approved', 'partial'), ('approved', 'failed'), ('approved', 'converged'), ('approved', 'superseded'), ('approved', 'withdrawn'),
    ('partial', 'failed'), ('partial', 'converged'), ('partial', 'superseded'),
    ('failed', 'partial'), ('failed', 'converged'), ('failed', 'superseded')$$, 'the edges are those documented');
SELECT throws_ok(format('SELECT approval.move_request(%s, ''approved'', ''partial'', now())', pg_temp.ask('t_alice', 'package', '{web1}', 'x1', '1')),
    'AP006', NULL, 'an edge from where the request is not');

-- What the states imply of their columns, both ways.
SELECT throws_ok(format('UPDATE approval.request SET %s WHERE request_id = %s', change, :request), '23514', NULL, change)
FROM unnest(ARRAY[
    'state = ''approved'', approved_at = NULL, closed_at = NULL', 'state = ''pending'', approved_at = now(), closed_at = NULL',
    'state = ''rejected'', approved_at = NULL, closed_at = NULL', 'state = ''converged'', approved_at = now(), closed_at = NULL',
    'state = ''failed'', approved_at = now(), closed_at = now()']) AS change;
SELECT throws_ok(format('UPDATE approval.item SET %s WHERE request_id = %s', change, :request), '23514', NULL, change)
FROM unnest(ARRAY[
    'state = ''approved''', 'outcome = ''converged''', 'applied_at = now()', 'type = ''absent''']) AS change;
SELECT * FROM finish();
ROLLBACK;
