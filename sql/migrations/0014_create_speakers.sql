-- For which identities a login may act is data; the version that wrote the functions is kept; an unused table goes.
CREATE TABLE approval.speaks_for (
    login text NOT NULL CHECK (login <> ''),
    provider text NOT NULL CHECK (provider ~ '^[a-z][a-z0-9_-]*$'),
    assurance text NOT NULL REFERENCES approval.assurance,
    attests boolean NOT NULL,
    PRIMARY KEY (login, provider),
    CONSTRAINT speaks_for_reserved CHECK (provider NOT IN ('pg', 'renewal', 'revert')),
    CONSTRAINT speaks_for_signed CHECK (assurance <> 'signed')
);
COMMENT ON TABLE approval.speaks_for IS
    'For which identities a login, or each login with a role, may act and submit, beside its own (pg). Changed by role policy_admin alone.';
COMMENT ON COLUMN approval.speaks_for.login IS
    'Its name, or that of a role whose members these are. By name: a login that was renamed no longer speaks, one that is made again does.';
COMMENT ON COLUMN approval.speaks_for.provider IS 'As in identity. What the database itself uses as a request''s source cannot be spoken for.';
COMMENT ON COLUMN approval.speaks_for.assurance IS 'How sure it is at most who acts. Never signed: that a person''s own key alone proves.';
COMMENT ON COLUMN approval.speaks_for.attests IS 'Signatures that the login says it checked count as signed.';

-- As it was so far: salt-run names people, by the provider salt, or by the one that it was configured to use.
INSERT INTO approval.speaks_for
SELECT 'approval_operator', used.provider, 'asserted', false
FROM (
    SELECT 'salt' AS provider
    UNION
    SELECT split_part(e.identity, ':', 1) FROM approval.audit_entry AS e WHERE e.assurance = 'asserted' AND e.identity IS NOT NULL
) AS used
WHERE used.provider ~ '^[a-z][a-z0-9_-]*$' AND used.provider NOT IN ('pg', 'renewal', 'revert');

ALTER TABLE approval.code_version ADD COLUMN version text;
COMMENT ON COLUMN approval.code_version.version IS 'The version of saltext-approval that applied them; 0.1.0 did not say so.';

DROP TABLE approval.package_catalog;
