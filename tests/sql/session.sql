-- Settings of a session change nothing of what functions do: a backslash in their texts is one, whoever calls.
BEGIN;
\set vectors `cat tests/vectors/digest.json`
CREATE TEMPORARY TABLE vector AS SELECT value FROM jsonb_array_elements(:'vectors');
SET LOCAL standard_conforming_strings = off;
SET LOCAL escape_string_warning = off;
SET LOCAL backslash_quote = on;
SELECT plan(8);
SELECT results_eq(
    $$SELECT approval.document_digest(v.value ->> 'minion', (v.value ->> 'revision')::bigint, (
          SELECT string_agg(approval.item_fields(item ->> 0, item ->> 1, item ->> 2, item ->> 3), ''
                            ORDER BY (item ->> 0) COLLATE "C", (item ->> 1) COLLATE "C")
          FROM jsonb_array_elements(v.value -> 'items') AS item)) FROM vector AS v ORDER BY v.value ->> 'name'$$,
    $$SELECT v.value ->> 'digest' FROM vector AS v ORDER BY v.value ->> 'name'$$, 'digests');
SELECT is(approval.field(E'\\x41\\'), int4send(5) || convert_to(E'\\x41\\', 'UTF8'), 'a field that looks like an escape');
SELECT is(approval.resource_key('service', 'myservice'), 'myservice', 'a name that ends like a kind of unit');
SELECT is(approval.resource_key('package', 'libnoarch'), 'libnoarch', 'a name that ends like an architecture');
SELECT is(approval.item_type('service', E'DOMAIN\\svc$', 'running'), 'state', 'a backslash in a name');
SELECT is(approval.matches_any('axb', '{a_b}'), false, 'an underscore in a pattern is one');
SELECT is(approval.duration('soak', '"1 day 12 hours"'), interval '36 hours', 'a duration');
SELECT is(approval.looks(E'soft\u00adware  steps'), 'software steps', 'a name with what is not seen');
SELECT * FROM finish();
ROLLBACK;
