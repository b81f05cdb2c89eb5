"""Records to rows of the tables, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import islice
from typing import TypeAlias

from nimble_pandas.ledger.records import BatchRecord, JobRecord, RequestRecord

#: The latest that is known of a content key.
Sent: TypeAlias = tuple[BatchRecord, RequestRecord]

#: A batch that is going to be sent, and the content key and the JSON of each of its requests.
Planned: TypeAlias = tuple[BatchRecord, Iterable[tuple[bytes, str]]]

# variables of one statement
_MANY = 500


def next_number(connection: sqlite3.Connection, job_id: str) -> int:
    """Return the number of a job's next batch."""
    query = "SELECT coalesce(max(number) + 1, 0) FROM batches WHERE job_id = ?"
    (number,) = connection.execute(query, (job_id,)).fetchone()
    return int(number)


def insert_job(connection: sqlite3.Connection, job: JobRecord) -> None:
    """Write a job down, unless it is there already."""
    if connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)).fetchone():
        return
    _insert(connection, "jobs", {**_columns(job), "invalid": json.dumps(job.invalid, default=str)})


def insert_batches(connection: sqlite3.Connection, batches: Sequence[Planned]) -> None:
    """Write batches down, with what is in them."""
    for batch, requests in batches:
        _insert(connection, "batches", _columns(batch))
        connection.executemany(
            "INSERT INTO requests (job_id, number, position, key, request) VALUES (?, ?, ?, ?, ?)",
            ((batch.job_id, batch.number, position, *each) for position, each in enumerate(requests)),
        )


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    connection.execute(
        # names of our own dataclasses' fields
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})",  # noqa: S608
        row,
    )


def _columns(record: JobRecord | BatchRecord) -> dict[str, object]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def latest(
    connection: sqlite3.Connection,
    keys: Iterable[bytes],
    service: str,
    condition: str = "",
    order: str = "r.id",
    **values: object,
) -> Iterator[Sent | None]:
    """Yield the latest that is known of each content key at a service, under a condition, in some order."""
    batches: dict[tuple[str, int], BatchRecord] = {}
    left = iter(keys)
    while some := list(islice(left, _MANY)):
        marks = ", ".join(f":k{n}" for n in range(len(some)))
        rows = connection.execute(
            "SELECT r.*, b.state, b.batch_id, b.storage_url AS prefix, b.sent_at, b.error AS batch_error "  # noqa: S608
            "FROM requests r JOIN batches b USING (job_id, number) JOIN jobs j ON j.id = r.job_id "
            f"WHERE r.key IN ({marks}) AND j.service = :service {condition} "
            f"ORDER BY {order}",
            {**{f"k{n}": key for n, key in enumerate(some)}, "service": service, **values},
        )
        # the later one of a key replaces the earlier
        found = {row["key"]: row for row in rows}
        for row in map(found.get, some):
            if row is None:
                yield None
                continue
            place = row["job_id"], row["number"]
            # one for all of its requests
            yield batches.get(place) or batches.setdefault(place, _batch_of(row)), read_request(row)


def read_job(row: sqlite3.Row) -> JobRecord:
    """Return the job that a row holds."""
    return JobRecord(
        **{
            **dict(row),
            "storage_compress": bool(row["storage_compress"]),
            "invalid": json.loads(row["invalid"]),
        }
    )


def _batch_of(row: sqlite3.Row) -> BatchRecord:
    return BatchRecord(
        job_id=row["job_id"],
        number=row["number"],
        state=row["state"],
        batch_id=row["batch_id"],
        storage_url=row["prefix"],
        sent_at=row["sent_at"],
        error=row["batch_error"],
    )


# all but the text, which the table calls by what it says
_REQUEST_COLUMNS = tuple(field.name for field in fields(RequestRecord) if field.name != "text")


def read_request(row: sqlite3.Row) -> RequestRecord:
    """Return the request that a row holds."""
    return RequestRecord(text=row["request"], **{name: row[name] for name in _REQUEST_COLUMNS})
