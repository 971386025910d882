-- What plpgsql_check finds in the functions without running them: unknown columns, wrong types, dead or unused code.
BEGIN;
CREATE EXTENSION IF NOT EXISTS plpgsql_check;
SELECT plan(3);
SELECT is_empty($$
    SELECT p.proname, found.lineno, found.message
    FROM pg_proc AS p
    JOIN pg_language AS l ON l.oid = p.prolang,
        LATERAL plpgsql_check_function_tb(p.oid, fatal_errors := false, extra_warnings := true, security_warnings := true) AS found
    WHERE l.lanname = 'plpgsql' AND p.pronamespace = 'approval'::regnamespace AND p.prorettype <> 'trigger'::regtype$$,
    'nothing to find');
-- COMMENT and GRANT name functions without their arguments.
SELECT is_empty($$
    SELECT proname FROM pg_proc WHERE pronamespace = 'approval'::regnamespace GROUP BY proname HAVING count(*) > 1$$,
    'no function has two signatures');
-- A function that only reads sees one moment, but not by one that it calls and that may write: this looks anew.
SELECT is_empty($$
    SELECT reader.proname, called.name[1]
    FROM pg_proc AS reader
    CROSS JOIN LATERAL regexp_matches(reader.prosrc, 'approval\.(\w+)\(', 'g') AS called (name)
    JOIN pg_proc AS writer ON writer.proname = called.name[1] AND writer.pronamespace = reader.pronamespace
    WHERE reader.pronamespace = 'approval'::regnamespace AND reader.provolatile <> 'v' AND writer.provolatile = 'v'$$,
    'what only reads calls nothing that may write');
SELECT * FROM finish();
ROLLBACK;
