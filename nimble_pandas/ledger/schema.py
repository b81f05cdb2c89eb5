"""The ledger's tables, and what happens to a file that is not one."""

from __future__ import annotations

#: Raised by one with every change of the tables; a newer ledger is refused, not guessed at.
VERSION = 1

TABLES = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    created_at REAL NOT NULL,
    storage_url TEXT,
    storage_compress INTEGER NOT NULL,
    callback_url TEXT,
    row_keys BLOB NOT NULL,
    rows BLOB,
    invalid TEXT NOT NULL
) STRICT;

CREATE TABLE batches (
    job_id TEXT NOT NULL REFERENCES jobs (id),
    number INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'intent', 'accepted', 'unknown', 'refused')),
    batch_id TEXT,
    storage_url TEXT,
    sent_at REAL NOT NULL,
    error TEXT,
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    position INTEGER NOT NULL,
    key BLOB NOT NULL,
    request TEXT NOT NULL,
    task_id TEXT,
    status TEXT,
    error TEXT,
    http_status INTEGER,
    fetched_at REAL,
    output_url TEXT,
    copy TEXT,
    settled_at REAL,
    collected_at REAL,
    UNIQUE (job_id, number, position),
    FOREIGN KEY (job_id, number) REFERENCES batches (job_id, number)
) STRICT;

CREATE INDEX requests_by_key ON requests (key, id);
"""
