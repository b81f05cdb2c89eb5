"""What was sent, on disk: written before each submit, so that nothing is lost and nothing is sent twice."""

from __future__ import annotations

import contextlib
import os
import pathlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from nimble_pandas.ledger.database import Database, default_folder
from nimble_pandas.ledger.records import BatchRecord, JobRecord, RequestRecord
from nimble_pandas.ledger.tables import (
    Planned,
    Sent,
    insert_batches,
    insert_job,
    latest,
    next_number,
    read_job,
    read_request,
)

_NOT_REFUSED = "AND b.state != 'refused'"

# what is written down of an answer, and where
_SETTLED = attrgetter(
    *("task_id", "status", "error", "http_status", "fetched_at", "output_url", "copy", "settled_at"),
    *("job_id", "number", "position"),
)


class Ledger:
    """A SQLite file that any number of kernels share.

    Parameters
    ----------
    folder : str or path, optional
        Where it is, with the copies of pulled outputs beside it; `default_folder` if not given.

    Raises
    ------
    ConfigError
        The file cannot be written, is damaged, or is of a newer version; nothing was sent.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = pathlib.Path(folder) if folder is not None else default_folder()
        self._database = Database(self.folder)
        self.path = self._database.path

    def __repr__(self) -> str:
        return f"Ledger({str(self.folder)!r})"

    @contextlib.contextmanager
    def sending(self, job_id: str) -> Iterator[bool]:
        """Keep other kernels from sending a job's batches while the block runs.

        Parameters
        ----------
        job_id : str
            The job.

        Yields
        ------
        bool
            Whether the job is ours to send; False while another kernel is about to.

        Raises
        ------
        ConfigError
            The ledger's folder cannot be written; nothing was sent.
        """
        with self._database.locked(job_id) as ours:
            yield ours

    def claim(
        self,
        job: JobRecord,
        keys: Iterable[bytes],
        lay_out: Callable[[Iterator[Sent | None], int], Sequence[Planned]],
    ) -> None:
        """Write a job down, with what it is going to send, in one step that no other kernel comes between.

        A job that is there already gets more batches; one that sends nothing is not written down.

        Parameters
        ----------
        job : JobRecord
            What was called.
        keys : iterable of bytes
            The content keys of its requests.
        lay_out : callable
            Given the latest that is known of each key, in their order, and the number of the job's next
            batch, returns the batches to be sent, in state ``planned``.

        Raises
        ------
        ConfigError
            It cannot be written; nothing was sent.
        """
        with self._database.writing() as connection:
            known = latest(connection, keys, job.service, _NOT_REFUSED)
            batches = lay_out(known, next_number(connection, job.id))
            if batches:
                insert_job(connection, job)
                insert_batches(connection, batches)

    def add_job(self, job: JobRecord) -> None:
        """Write down a job that sends nothing: what it needs is under way in others.

        Parameters
        ----------
        job : JobRecord
            What was called.

        Raises
        ------
        ConfigError
            It cannot be written; nothing was sent.
        """
        with self._database.writing() as connection:
            insert_job(connection, job)

    def move(
        self,
        batch: BatchRecord,
        tasks: Mapping[int, tuple[str, str | None]] | None = None,
    ) -> None:
        """Write down what became of a batch, and which task answers which of its requests.

        Parameters
        ----------
        batch : BatchRecord
            As it is now.
        tasks : Mapping of int to tuple, optional
            The task's id, and where its output will be, by the request's position in the batch.

        Raises
        ------
        ConfigError
            It cannot be written.
        """
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE batches SET state = ?, batch_id = ?, sent_at = ?, error = ? "
                "WHERE job_id = ? AND number = ?",
                (batch.state, batch.batch_id, batch.sent_at, batch.error, batch.job_id, batch.number),
            )
            connection.executemany(
                "UPDATE requests SET task_id = ?, output_url = ? "
                "WHERE job_id = ? AND number = ? AND position = ?",
                [(*task, batch.job_id, batch.number, position) for position, task in (tasks or {}).items()],
            )

    def settle(self, requests: Iterable[RequestRecord]) -> None:
        """Write down final answers.

        Parameters
        ----------
        requests : iterable of RequestRecord
            With their ``status``; an answer that is final already stays, unless it was ``unknown``.

        Raises
        ------
        ConfigError
            They cannot be written; the answers are still at the service, or in the store.
        """
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE requests SET task_id = ?, status = ?, error = ?, http_status = ?, fetched_at = ?, "
                "output_url = ?, copy = ?, settled_at = ? WHERE job_id = ? AND number = ? AND position = ? "
                "AND coalesce(status, 'unknown') = 'unknown'",
                map(_SETTLED, requests),
            )

    def collect(self, places: Iterable[tuple[str, int, int]], at: float) -> None:
        """Write down that answers were handed out in a complete frame.

        Parameters
        ----------
        places : iterable of (str, int, int)
            The job, the batch's number and the request's position of each.
        at : float
            When, in seconds since the epoch.
        """
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE requests SET collected_at = coalesce(collected_at, ?) "
                "WHERE job_id = ? AND number = ? AND position = ?",
                # one at a time: there may be millions
                ((at, *place) for place in places),
            )

    def latest_of(self, job: JobRecord, keys: Iterable[bytes]) -> Iterator[Sent | None]:
        """Yield what is known of a job's content keys, in the batches that were to answer it.

        Parameters
        ----------
        job : JobRecord
            The job: its own batches, else the latest before it, which it took up.
        keys : iterable of bytes
            Its keys.

        Yields
        ------
        (BatchRecord, RequestRecord) or None
            Of each key, in their order: where neither has it, the latest of all; None if it was never sent.
        """
        order = "j.id = :job_id, j.created_at <= :created_at, r.id"
        with self._database.reading() as connection:
            yield from latest(
                connection, keys, job.service, order=order, job_id=job.id, created_at=job.created_at
            )

    def answered(self, keys: Iterable[bytes], service: str, since: float) -> list[Sent]:
        """Return the newest ``ok`` answers to content keys, of pages fetched since a time.

        Parameters
        ----------
        keys : iterable of bytes
            The keys.
        service : str
            The service and account.
        since : float
            Seconds since the epoch.

        Returns
        -------
        list of (BatchRecord, RequestRecord)
            Nothing for keys that have no such answer.
        """
        with self._database.reading() as connection:
            some = "AND r.status = 'ok' AND r.fetched_at >= :since"
            return list(filter(None, latest(connection, keys, service, some, since=since)))

    def batch(self, job_id: str, number: int) -> tuple[BatchRecord, list[RequestRecord]]:
        """Return one batch and its requests.

        Parameters
        ----------
        job_id : str
            The job.
        number : int
            Its place in the job.

        Returns
        -------
        tuple of BatchRecord and list of RequestRecord
            The requests in their order.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT * FROM batches WHERE job_id = ? AND number = ?", (job_id, number)
            ).fetchone()
            requests = connection.execute(
                "SELECT * FROM requests WHERE job_id = ? AND number = ? ORDER BY position", (job_id, number)
            )
            return BatchRecord(**dict(row)), [read_request(each) for each in requests]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many requests that each job sent itself have each status.

        Returns
        -------
        dict of str to dict of str to int
            By job and status; ``pending`` have no answer, and ``collected`` were handed out. One that was
            sent again counts as it stands now.
        """
        counts: dict[str, dict[str, int]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(
                "SELECT job_id, coalesce(status, 'pending') AS status, count(*) AS n, "
                "count(collected_at) AS n_collected FROM requests "
                "WHERE id IN (SELECT max(id) FROM requests GROUP BY job_id, key) GROUP BY 1, 2"
            ):
                of_job = counts.setdefault(row["job_id"], {})
                of_job[row["status"]] = row["n"]
                of_job["collected"] = of_job.get("collected", 0) + row["n_collected"]
        return counts

    def knows_batch(self, batch_id: str) -> bool:
        """Say whether a batch of the service's is one of this ledger's.

        Parameters
        ----------
        batch_id : str
            The service's name for it.

        Returns
        -------
        bool
            True if it is accounted for.
        """
        with self._database.reading() as connection:
            found = connection.execute("SELECT 1 FROM batches WHERE batch_id = ?", (batch_id,)).fetchone()
        return found is not None

    def job(self, job_id: str) -> JobRecord | None:
        """Return one job.

        Parameters
        ----------
        job_id : str
            The job.

        Returns
        -------
        JobRecord or None
            None if there is no such job.
        """
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return None if row is None else read_job(row)

    def jobs(self) -> list[JobRecord]:
        """Return all jobs.

        Returns
        -------
        list of JobRecord
            Oldest first.
        """
        with self._database.reading() as connection:
            return [read_job(row) for row in connection.execute("SELECT * FROM jobs ORDER BY created_at, id")]

    def batches(self, job_id: str) -> list[BatchRecord]:
        """Return the batches that a job has sent, or is going to.

        Parameters
        ----------
        job_id : str
            The job.

        Returns
        -------
        list of BatchRecord
            In their order.
        """
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM batches WHERE job_id = ? ORDER BY number", (job_id,))
            return [BatchRecord(**dict(row)) for row in rows]

    def save_copy(self, name: str, content: bytes) -> None:
        """Keep an output that the service will forget.

        Parameters
        ----------
        name : str
            The copy's name.
        content : bytes
            The output as it was delivered.
        """
        folder = self.folder / "outputs"
        with self._database.explained():
            folder.mkdir(exist_ok=True, mode=0o700)
            kept = folder / pathlib.PurePath(name).name
            half = kept.with_name(f"{kept.name}.{os.getpid()}-{threading.get_ident()}.part")
            half.write_bytes(content)
            half.replace(kept)

    def read_copy(self, name: str) -> bytes | None:
        """Return an output that was kept.

        Parameters
        ----------
        name : str
            The copy's name.

        Returns
        -------
        bytes or None
            None if it is gone.
        """
        try:
            return (self.folder / "outputs" / pathlib.PurePath(name).name).read_bytes()
        except OSError:
            return None
