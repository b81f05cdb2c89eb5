"""What the ledger knows of a request, as an answer or as a batch to follow."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from msgspec import structs

from nimble_pandas.errors import OutputUnreadable
from nimble_pandas.frames import Answer, Page
from nimble_pandas.job.judge import judge
from nimble_pandas.job.places import Offsets
from nimble_pandas.job.requests import Requests
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.job.sources import Source
from nimble_pandas.ledger import STATUS_KEPT_SECONDS, BatchRecord, Ledger, RequestRecord, Sent
from nimble_pandas.models import Delivery, read_output

#: Finds the source of a batch with the given storage prefix.
SourceOf = Callable[[str | None], Source]


def is_under_way(sent: Sent, now: float) -> bool:
    """Say whether sending a request again would pay twice for what is still to be had.

    Parameters
    ----------
    sent : tuple of BatchRecord and RequestRecord
        The latest that is known of it.
    now : float
        Seconds since the epoch.

    Returns
    -------
    bool
        True if it was sent in the last 24 hours and its answer was not handed out yet, or is unknown.
    """
    batch, request = sent
    if batch.sent_at + STATUS_KEPT_SECONDS <= now:
        return False
    return request.collected_at is None or request.status == "unknown"


def remembered(record: RequestRecord, ledger: Ledger) -> tuple[str, bytes] | None:
    """Return the id and the content of an output that was kept; None if it was not."""
    content = ledger.read_copy(record.copy) if record.copy else None
    if content is None or record.task_id is None:
        return None
    try:
        return record.task_id, gzip.decompress(content)
    except (OSError, EOFError):
        return None


def answer_of(
    record: RequestRecord, batch: BatchRecord, content: bytes | None, *, reused: bool
) -> tuple[Answer, Page | None] | None:
    """Return the answer that the ledger remembers, and its page.

    Parameters
    ----------
    record, batch : RequestRecord, BatchRecord
        What is written down.
    content : bytes or None
        The output, unpacked, if it could be read again.
    reused : bool
        Whether it was collected by an earlier job.

    Returns
    -------
    tuple of Answer and (Page or None), or None
        None if the output is needed for the answer and is not to be had.
    """
    known = Answer(
        status=record.status or "pending",
        task_id=record.task_id,
        batch_id=batch.batch_id,
        error=record.error,
        http_status=record.http_status,
        fetched_at=None if record.fetched_at is None else datetime.fromtimestamp(record.fetched_at, UTC),
        output_url=record.output_url,
        reused=reused,
    )
    if record.status not in {"ok", "empty"}:
        return known, None
    if content is None:
        return None
    try:
        output = read_output(content)
    except OutputUnreadable:
        return None
    request = record.request
    answer, page = judge(
        output,
        known=known,
        parse=request.get("parse") is True,
        url=str(request["url"]),
        http_status=record.http_status,
    )
    return structs.replace(answer, fetched_at=answer.fetched_at or known.fetched_at), page


def read_again(
    found: Iterable[Sent], ledger: Ledger, source_of: SourceOf, *, reused: bool
) -> Iterator[tuple[RequestRecord, Answer, Page | None]]:
    """Read answers that are written down again, from their copies or from where they were delivered.

    Parameters
    ----------
    found : iterable of (BatchRecord, RequestRecord)
        What is written down.
    ledger : Ledger
        Where copies are.
    source_of : callable
        Where outputs are.
    reused : bool
        Whether they were collected by an earlier job.

    Yields
    ------
    tuple of RequestRecord, Answer and (Page or None)
        Those that are still to be had.
    """
    by_prefix: dict[str | None, list[Sent]] = {}
    for sent in found:
        by_prefix.setdefault(sent[0].storage_url, []).append(sent)
    for prefix, group in by_prefix.items():
        contents = dict(filter(None, (remembered(request, ledger) for _, request in group)))
        elsewhere = {
            str(request.task_id): str(request.output_url)
            for _, request in group
            if request.status in {"ok", "empty"} and request.output_url and request.task_id not in contents
        }
        if elsewhere:
            read = source_of(prefix).read(elsewhere)
            contents.update((task_id, raw) for task_id, raw in read if isinstance(raw, bytes))
        for batch, request in group:
            answered = answer_of(request, batch, contents.pop(str(request.task_id), None), reused=reused)
            if answered is not None:
                yield request, *answered


def recall_batch(
    record: BatchRecord,
    requests: list[RequestRecord],
    offset_of: Mapping[int, int],
    *,
    delivery: Delivery,
    source: Source,
) -> SentBatch:
    """Return a batch of an earlier call, to be followed again.

    Parameters
    ----------
    record : BatchRecord
        What is written down of it.
    requests : list of RequestRecord
        All of its requests, in order.
    offset_of : Mapping of int to int
        The requests of the plan that it answers, and their places in it.
    delivery : Delivery
        As its job had it.
    source : Source
        Where its outputs are.

    Returns
    -------
    SentBatch
        With the tasks as they were last known.
    """
    batch = SentBatch(
        record=record,
        requests=Requests([each.text for each in requests]),
        offset_of=Offsets(offset_of),
        delivery=replace(delivery, storage_url=record.storage_url),
        source=source,
    )
    batch.recall_all(requests)
    batch.remembered = batch.is_plain
    return batch


def wake(batch: SentBatch, ledger: Ledger) -> None:
    """Take in again what a batch has let go of.

    Parameters
    ----------
    batch : SentBatch
        Changed in place, if it rests.
    ledger : Ledger
        What is written down of it.
    """
    if batch.resting:
        batch.wake(ledger.batch(batch.record.job_id, batch.record.number)[1])
