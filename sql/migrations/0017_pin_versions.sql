-- A version can be spelled in more than one way: without its release or epoch, or with other zeros. What was found for it is pinned, as what
-- was found for latest and for a pattern is.
ALTER TABLE approval.item
    DROP CONSTRAINT item_pinned,
    ADD CONSTRAINT item_pinned CHECK (pinned IS NULL OR (kind = 'package' AND type IN ('latest', 'version')));
COMMENT ON COLUMN approval.item.pinned IS
    'The version that latest, a pattern, or a version that can be spelled otherwise meant when the item was first proven.';
