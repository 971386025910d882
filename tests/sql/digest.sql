-- The digests that C, the minion's Python and this must agree on.
BEGIN;
\set vectors `cat tests/vectors/digest.json`
SELECT plan(jsonb_array_length(:'vectors')::integer);
SELECT is(
    approval.document_digest(
        vector ->> 'minion', (vector ->> 'revision')::bigint,
        ARRAY(SELECT item ->> 0 FROM jsonb_array_elements(vector -> 'items') WITH ORDINALITY AS e (item, n) ORDER BY n),
        ARRAY(SELECT item ->> 1 FROM jsonb_array_elements(vector -> 'items') WITH ORDINALITY AS e (item, n) ORDER BY n),
        ARRAY(SELECT item ->> 2 FROM jsonb_array_elements(vector -> 'items') WITH ORDINALITY AS e (item, n) ORDER BY n),
        ARRAY(SELECT item ->> 3 FROM jsonb_array_elements(vector -> 'items') WITH ORDINALITY AS e (item, n) ORDER BY n)),
    vector ->> 'digest', vector ->> 'name')
FROM jsonb_array_elements(:'vectors') AS vector;
SELECT * FROM finish();
ROLLBACK;
