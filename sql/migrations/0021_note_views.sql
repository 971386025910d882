-- Views are replaced by each version that changes them, and left alone by the others.
ALTER TABLE approval.code_version ADD COLUMN views jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN approval.code_version.views IS
    'The sha256 of the file of each view as it was applied: replacing one waits for all who read it, so it is only done for a '
    'change.';
