-- People who signed in on the web, and how often it was tried.
CREATE TABLE approval.web_session (
    session_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    provider text NOT NULL,
    subject text NOT NULL,
    credential text NOT NULL CHECK (length(credential) <= 255),
    address text CHECK (address <> '' AND length(address) <= 255),
    began_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    FOREIGN KEY (provider, subject) REFERENCES approval.identity ON DELETE CASCADE
);
CREATE INDEX web_session_identity ON approval.web_session (provider, subject);
CREATE INDEX web_session_ends ON approval.web_session (ends_at);
COMMENT ON TABLE approval.web_session IS
    'Sessions of people on the web, until they end. Whoever has the token of one acts as that person, through a login with role '
    'portal that speaks for the provider.';
COMMENT ON COLUMN approval.web_session.token_hash IS 'The sha256 of the token, which is kept nowhere here.';
COMMENT ON COLUMN approval.web_session.credential IS
    'A mark of what the person proved who they are with: where that is another one now, the web service ends the session.';
COMMENT ON COLUMN approval.web_session.address IS 'From where it was begun, for people.';
COMMENT ON COLUMN approval.web_session.seen_at IS 'When it was last used, give or take a minute.';
COMMENT ON COLUMN approval.web_session.ends_at IS 'When it ends unless it is used before; see approval.session_end.';

CREATE TABLE approval.sign_in_attempt (
    attempt_key bytea PRIMARY KEY CHECK (length(attempt_key) = 32),
    attempts integer NOT NULL CHECK (attempts > 0),
    since timestamptz NOT NULL
);
CREATE INDEX sign_in_attempt_since ON approval.sign_in_attempt (since);
COMMENT ON TABLE approval.sign_in_attempt IS
    'How often it was tried to sign in with a password lately; see approval.count_attempt.';
COMMENT ON COLUMN approval.sign_in_attempt.attempt_key IS
    'The sha256 of by whom and from where: people type their passwords into the wrong field.';
