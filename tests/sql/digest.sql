-- The digests that C, the minion's Python and this must agree on.
BEGIN;
\set vectors `cat tests/vectors/digest.json`
SELECT plan(jsonb_array_length(:'vectors')::integer);
SELECT is(
    approval.document_digest(
        vector ->> 'minion', (vector ->> 'revision')::bigint, (
            SELECT string_agg(approval.item_fields(item ->> 0, item ->> 1, item ->> 2, item ->> 3), ''
                              ORDER BY (item ->> 0) COLLATE "C", (item ->> 1) COLLATE "C")
            FROM jsonb_array_elements(vector -> 'items') AS item)),
    vector ->> 'digest', vector ->> 'name')
FROM jsonb_array_elements(:'vectors') AS vector;
SELECT * FROM finish();
ROLLBACK;
