"""Jobs of other days and other kernels, from the ledger alone."""

from __future__ import annotations

import contextlib
import io
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from nimble_pandas.client import Client
from nimble_pandas.clock import Clock
from nimble_pandas.errors import ApiError, ConfigError, TransportError
from nimble_pandas.job.claim import Keys, delivery_of
from nimble_pandas.job.found import Found
from nimble_pandas.job.job import Job
from nimble_pandas.job.story import CLIENTS
from nimble_pandas.ledger import STATUS_KEPT_SECONDS, JobRecord, Ledger
from nimble_pandas.options import Options
from nimble_pandas.planning import Plan, recall_keys, recall_plan
from nimble_pandas.progress import View

_LOGGER = logging.getLogger("nimble_pandas.job")


def attach(
    job_id: str,
    *,
    storage_options: Mapping[str, Any] | None = None,
    progress: str | View = "auto",
    client: Client | None = None,
    ledger: Ledger | None = None,
) -> Job:
    """Take up a job with nothing in memory, from the ledger.

    Its frame has the rows, the index and the order of the frame that was submitted.

    Parameters
    ----------
    job_id : str
        The job's ``id``, as `jobs`, errors and interrupts name it.
    storage_options : Mapping, optional
        Handed to fsspec as they are; they are not in the ledger.
    progress : str or View, default "auto"
        How progress is shown, as in `batch`.
    client : Client, optional
        The connection to the service; the one that this process has used for it, or one made from the
        environment, if not given.
    ledger : Ledger, optional
        Where the job is written down; that of the user if not given.

    Returns
    -------
    Job
        To be waited for; what was not sent yet is sent then.

    Raises
    ------
    ConfigError
        There is no such job, or it is another service's or account's.

    Notes
    -----
    Answers that are written down already are read again, from where they were delivered or from their copies:
    some 16,000 pages here, the others when they are waited for, or when the frame is asked for. `Job.frames`
    and `Job.to_parquet` have a part of them in memory at a time.

    The rows come from the ledger's Parquet, which knows no subclass: a GeoDataFrame comes back as a frame
    whose geometry is well-known binary. `geopandas.GeoSeries.from_wkb` reads it, or `DataFrame.join` puts
    what was found beside the rows that you still have.
    """
    storage_options = Options(storage_options)
    ledger = ledger or Ledger()
    record = ledger.job(job_id)
    if record is None:
        newest = [job.id for job in ledger.jobs()[-5:]]
        raise ConfigError(
            f"there is no job {job_id!r} in {ledger.path}.",
            hint=f"The newest are: {', '.join(newest) or 'none'}. nimble_pandas.jobs() shows all.",
        )
    client = client or CLIENTS.get(record.service) or Client()
    if record.service != client.account:
        raise ConfigError(
            f"job {job_id!r} was sent to {record.service!r}, and this client is {client.account!r}.",
            hint="Give the client= that it was sent with.",
        )
    plan, found = _recalled(record, ledger)
    job = Job(plan, client=client, ledger=ledger, storage_options=storage_options, progress=progress)
    _LOGGER.info("Job %s: taken up from %s", job_id, ledger.path)
    return job.resume(job_id, found, since=record.created_at)


def _recalled(record: JobRecord, ledger: Ledger) -> tuple[Plan, Found]:
    request_of_row, keys = recall_keys(record.row_keys, record.keys != b"")
    found = Found()

    def requests() -> Iterator[Mapping[str, object]]:
        for position, sent in enumerate(ledger.latest_of(record, Keys(keys))):
            assert sent is not None  # noqa: S101 -- a job is written down with what it sends
            found.add(position, sent)
            yield sent[1].request

    passing: Iterable[Mapping[str, object]] = requests()
    if record.rows is None:
        passing = list(passing)
        rows = pd.DataFrame([passing[at] if at >= 0 else {} for at in request_of_row])
    else:
        rows = pd.read_parquet(io.BytesIO(record.rows))
    plan = recall_plan(
        passing,
        keys=keys,
        rows=rows,
        request_of_row=request_of_row,
        invalid=[(int(row), column, reason) for row, column, reason in record.invalid],  # type: ignore[call-overload,misc]
        delivery=delivery_of(record),
    )
    return plan, found


def jobs(*, ledger: Ledger | None = None) -> pd.DataFrame:
    """Show every job that was sent from here, oldest first; asks the service nothing.

    Parameters
    ----------
    ledger : Ledger, optional
        That of the user if not given.

    Returns
    -------
    pandas.DataFrame
        One row per job, indexed by ``job_id``: ``created_at`` (UTC), ``n_rows``, how many requests are
        ``ok``, ``failed`` (any other end), ``pending`` and ``unknown``, whether it is ``done``,
        ``hours_left`` until the service forgets it, what to type ``next``, whether it was ``collected``,
        ``n_requests``, ``expires_at`` (UTC), ``service`` and ``storage_url``. A plain frame, to be sorted,
        queried and written like any other.
    """
    ledger = ledger or Ledger()
    now = Clock().now().timestamp()
    sent = ledger.counts()
    return (
        pd.DataFrame(
            [_line(job, _counts(job, sent.get(job.id, {}), ledger), ledger, now) for job in ledger.jobs()],
            columns=list(_COLUMNS),
        )
        .astype(_COLUMNS)
        .set_index("job_id")
    )


_TIME = "datetime64[us, UTC]"
_COLUMNS: dict[str, Any] = {
    "job_id": "str",
    # what is asked for most comes first: wide frames are cut in the middle
    "created_at": _TIME,
    "n_rows": "int64",
    "ok": "int64",
    "failed": "int64",
    "pending": "int64",
    "unknown": "int64",
    "done": "bool",
    "hours_left": "float64",
    "next": "str",
    "collected": "bool",
    "n_requests": "int64",
    "expires_at": _TIME,
    "service": "str",
    "storage_url": "str",
}


def _counts(job: JobRecord, sent: Mapping[str, int], ledger: Ledger) -> Mapping[str, int]:
    """Return how many requests of a job have each status, those that earlier jobs sent for it included."""
    _, keys = recall_keys(job.row_keys, job.keys != b"")
    if sum(sent.values()) - sent.get("collected", 0) == len(keys):
        return sent
    counts: Counter[str] = Counter()
    for _, request in filter(None, ledger.latest_of(job, Keys(keys))):
        counts[request.status or "pending"] += 1
        counts["collected"] += request.collected_at is not None
    return counts


def _line(job: JobRecord, counts: Mapping[str, int], ledger: Ledger, now: float) -> dict[str, object]:
    statuses = {status: n for status, n in counts.items() if status != "collected"}
    n_requests = sum(statuses.values())
    known = {status: statuses.get(status, 0) for status in ("ok", "pending", "unknown")}
    sent_at = min((batch.sent_at for batch in ledger.batches(job.id)), default=job.created_at)
    expires_at = sent_at + STATUS_KEPT_SECONDS
    return {
        "job_id": job.id,
        "created_at": pd.Timestamp(job.created_at, unit="s", tz="UTC"),
        "service": job.service,
        "n_rows": job.n_rows,
        "n_requests": n_requests,
        **known,
        "failed": n_requests - sum(known.values()),
        "done": known["pending"] == 0,
        "collected": counts.get("collected", 0) == n_requests,
        "expires_at": pd.Timestamp(expires_at, unit="s", tz="UTC"),
        "hours_left": max(expires_at - now, 0.0) / 3600,
        "next": f'attach("{job.id}").{_next(known["pending"], n_requests - known["ok"])}',
        "storage_url": job.storage_url,
    }


def _next(n_pending: int, n_not_ok: int) -> str:
    if n_pending:
        return "wait()"
    return "failed()" if n_not_ok else "frame()"


def rescue(
    *,
    storage_options: Mapping[str, Any] | None = None,
    client: Client | None = None,
    ledger: Ledger | None = None,
) -> pd.DataFrame:
    """Collect what every unfinished job has so far, before the service forgets it.

    Pulled outputs are kept beside the ledger; outputs in a bucket are there to stay. Nothing is sent.

    Parameters
    ----------
    storage_options : Mapping, optional
        Handed to fsspec as they are.
    client : Client, optional
        The connection to the service; made from the environment if not given.
    ledger : Ledger, optional
        That of the user if not given.

    Returns
    -------
    pandas.DataFrame
        As `jobs`, afterwards.
    """
    storage_options = Options(storage_options)
    ledger = ledger or Ledger()
    client = client or Client()
    unfinished = jobs(ledger=ledger).query("not done")
    for job_id in unfinished.index[unfinished["service"] == client.account]:
        job = attach(job_id, storage_options=storage_options, progress="none", client=client, ledger=ledger)
        # one that cannot be had does not keep the others from being collected
        with contextlib.suppress(ApiError, TransportError):
            job.collect_now()
    return jobs(ledger=ledger)
