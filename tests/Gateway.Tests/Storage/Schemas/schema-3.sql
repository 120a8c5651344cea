-- A database of schema 3 with data, as a gateway of that time left it.
CREATE TABLE account_links (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    issuer    TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    provider  TEXT    NOT NULL, -- provider_id, for people to read
    label     TEXT    NOT NULL, -- what the person is called at the provider, for people to read
    user_id   INTEGER NOT NULL, -- Paperless's
    joined    TEXT    NOT NULL, -- date_joined of that user: another one may get the id in another database
    linked_at INTEGER NOT NULL, -- seconds since 1970
    heard_at  INTEGER NOT NULL, -- milliseconds since 1970: when the provider said what was last taken over
    UNIQUE (issuer, subject)
);
CREATE INDEX account_links_by_user ON account_links (user_id);
CREATE TABLE account_reservations (
    issuer      TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    username    TEXT    NOT NULL,
    profile     TEXT    NOT NULL, -- email and names that the user was to have
    reserved_at INTEGER NOT NULL, -- seconds since 1970
    PRIMARY KEY (issuer, subject)
) WITHOUT ROWID;
CREATE TABLE claimed_users ( -- whoever was linked once is never found by name again
    user_id INTEGER NOT NULL,
    joined  TEXT    NOT NULL,
    PRIMARY KEY (user_id, joined)
) WITHOUT ROWID;
CREATE TABLE secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE sessions (
    key           BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the cookie's value
    sid_index     BLOB,                         -- SHA-256 over provider_id and sid
    person_index  BLOB    NOT NULL,             -- SHA-256 over issuer and subject
    used_at       INTEGER NOT NULL,             -- seconds since 1970
    expires_at    INTEGER NOT NULL,             -- seconds since 1970
    record        BLOB    NOT NULL,             -- encrypted under a key that only the cookie's value gives
    info          BLOB    NOT NULL,             -- for lists, encrypted under the gateway's own key
    version       INTEGER NOT NULL,
    claimed_until INTEGER NOT NULL DEFAULT 0    -- milliseconds since 1970: until then one replica rechecks it
) WITHOUT ROWID;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_by_sid ON sessions (sid_index) WHERE sid_index IS NOT NULL;
CREATE INDEX sessions_by_person ON sessions (person_index);
CREATE TABLE ended (
    hash     BLOB    NOT NULL PRIMARY KEY, -- a sid_index or a person_index
    ended_at INTEGER NOT NULL,             -- milliseconds since 1970
    until    INTEGER NOT NULL              -- seconds since 1970
) WITHOUT ROWID;
CREATE TABLE taken (
    hash  BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of what counts once
    until INTEGER NOT NULL              -- seconds since 1970
) WITHOUT ROWID;

INSERT INTO sessions (key, sid_index, person_index, used_at, expires_at, record, info, version) VALUES (X'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', X'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', X'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 1800000000, 4000000000, X'01', X'02', 5);
INSERT INTO ended (hash, ended_at, until) VALUES (X'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 1800000000000, 4000000000);
INSERT INTO taken (hash, until) VALUES (X'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 4000000000);
INSERT INTO account_links (id, issuer, subject, provider, label, user_id, joined, linked_at, heard_at)
VALUES (3, 'https://authentik.example.com/', 'alice', 'authentik', 'Alice', 7, '2026-01-01T00:00:00Z', 1800000000, 1800000000001);
INSERT INTO account_reservations (issuer, subject, username, profile, reserved_at)
VALUES ('https://authentik.example.com/', 'carol', 'carol2', '', 1800000000);
INSERT INTO claimed_users (user_id, joined) VALUES (9, '2026-01-03T00:00:00Z');
INSERT INTO secrets (name, value) VALUES ('local-session-binding', X'0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f');
PRAGMA user_version = 3;
