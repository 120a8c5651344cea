-- A database of schema 1 with data, as a gateway of that time left it.
CREATE TABLE sessions (
    key        BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the cookie's value
    used_at    INTEGER NOT NULL,             -- seconds since 1970
    expires_at INTEGER NOT NULL,             -- seconds since 1970
    record     BLOB    NOT NULL              -- encrypted under a key that only the cookie's value gives
) WITHOUT ROWID;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

INSERT INTO sessions (key, used_at, expires_at, record) VALUES (X'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1800000000, 4000000000, X'01');
PRAGMA user_version = 1;
