-- People whose names are replaced by a pseudonym, while what they did stays.
ALTER TABLE approval.principal
    ADD COLUMN pseudonymised_at timestamptz,
    ADD CONSTRAINT principal_pseudonymised CHECK (pseudonymised_at IS NULL OR disabled_at IS NOT NULL);
COMMENT ON COLUMN approval.principal.pseudonymised_at IS
    'When the name was replaced by a pseudonym, for good: such a principal is never enabled again. NULL: the name is its own.';

CREATE SEQUENCE approval.pseudonym_seq;
COMMENT ON SEQUENCE approval.pseudonym_seq IS 'Numbers of pseudonyms, person-1 and so on: none is given twice.';
