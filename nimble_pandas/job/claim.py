"""Who answers which request: a batch that is under way already, or one that is going to be sent."""

from __future__ import annotations

import io
from array import array
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nimble_pandas.job.found import Found
from nimble_pandas.job.places import Offsets
from nimble_pandas.job.recall import SourceOf
from nimble_pandas.job.requests import Requests
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.ledger import (
    KEY_BYTES,
    NO_KEY,
    BatchRecord,
    JobRecord,
    Ledger,
    Planned,
    Sent,
)
from nimble_pandas.models import MAX_BATCH_REQUESTS, Delivery
from nimble_pandas.planning import Plan, cut, unwritable


class Keys:
    """The content keys of a plan's requests, by their places: as objects they take four times the room.

    Parameters
    ----------
    keys : pyarrow.Array
        Of fixed-size binary.
    """

    def __init__(self, keys: pa.Array) -> None:
        raw: bytes = keys.buffers()[1].slice(keys.offset * KEY_BYTES, len(keys) * KEY_BYTES).to_pybytes()
        self._raw = raw

    def __getitem__(self, position: int) -> bytes:
        return self._raw[position * KEY_BYTES : (position + 1) * KEY_BYTES]

    def __iter__(self) -> Iterator[bytes]:
        return map(self.__getitem__, range(len(self._raw) // KEY_BYTES))

    def of(self, positions: npt.NDArray[np.intp]) -> bytes:
        """Return keys one after another, zeros at -1.

        Parameters
        ----------
        positions : ndarray of int, length n
            Whose.

        Returns
        -------
        bytes
            Of length 16 n.
        """
        return np.frombuffer(self._raw + NO_KEY, dtype=f"V{KEY_BYTES}")[positions].tobytes()


def job_record(plan: Plan, job_id: str, *, service: str, now: float, keys: Keys) -> JobRecord:
    """Return what is written down of a call.

    Parameters
    ----------
    plan : Plan
        What is called for.
    job_id : str
        Its name.
    service : str
        The service and account.
    now : float
        Seconds since the epoch.
    keys : Keys
        The content keys of the plan's requests.

    Returns
    -------
    JobRecord
        With the caller's rows, if they can be written.
    """
    invalid = (plan.invalid[name] for name in ("row", "column", "reason"))
    return JobRecord(
        id=job_id,
        service=service,
        created_at=now,
        storage_url=plan.delivery.storage_url,
        storage_compress=plan.delivery.storage_compress,
        callback_url=plan.delivery.callback_url,
        row_keys=keys.of(plan.request_of_row),
        rows=_parquet(plan),
        invalid=[[int(row), str(column), reason] for row, column, reason in zip(*invalid, strict=True)],
    )


def _parquet(plan: Plan) -> bytes | None:
    if unwritable(plan.rows):
        return None
    stream = io.BytesIO()
    try:
        plan.rows.to_parquet(stream)
    except Exception:  # noqa: BLE001 -- whatever pyarrow raises: such rows come back as their requests
        return None
    return stream.getvalue()


def plan_batches(
    plan: Plan, positions: Sequence[int], *, job_id: str, first: int, now: float, source_of: SourceOf
) -> list[SentBatch]:
    """Cut requests into batches of a job, in state ``planned``.

    Parameters
    ----------
    plan : Plan
        What is called for.
    positions : sequence of int
        The requests to be sent.
    job_id : str
        The job.
    first : int
        The first batch's number.
    now : float
        Seconds since the epoch.
    source_of : callable
        Finds where outputs are to be read.

    Returns
    -------
    list of SentBatch
        Each with a storage prefix of its own.
    """
    batches = []
    sizes = plan.request_bytes()[np.asarray(positions, dtype=np.intp)]
    # a plan that was cut smaller than the API allows stays so
    largest = max(map(len, plan.batches), default=MAX_BATCH_REQUESTS)
    for number, places in enumerate(cut(sizes, largest), start=first):
        delivery = plan.delivery.under(job_id, f"{number:04d}")
        wanted = [positions[place] for place in places]
        batches.append(
            SentBatch(
                record=BatchRecord(
                    job_id=job_id,
                    number=number,
                    state="planned",
                    batch_id=None,
                    storage_url=delivery.storage_url,
                    sent_at=now,
                ),
                requests=Requests(()),
                offset_of=Offsets({position: offset for offset, position in enumerate(wanted)}),
                delivery=delivery,
                source=source_of(delivery.storage_url),
                # nobody has told of it yet, and its requests are where they are written down
                news=False,
                resting=True,
            )
        )
    return batches


def written(plan: Plan, batches: Sequence[SentBatch], keys: Keys) -> list[Planned]:
    """Return batches as they are written down before they are sent."""
    return [(batch.record, _lines(plan, batch, keys)) for batch in batches]


def _lines(plan: Plan, batch: SentBatch, keys: Keys) -> Iterator[tuple[bytes, str]]:
    # laid out when it is written: of a million requests, a batch at a time
    texts = plan.encoded(list(batch.positions), filled=True)
    yield from zip((keys[position] for position in batch.positions), texts, strict=True)


def claim(
    plan: Plan,
    keys: Keys,
    job: JobRecord,
    positions: Sequence[int],
    *,
    ledger: Ledger,
    source_of: SourceOf,
    is_answered: Callable[[int, Sent], bool],
) -> tuple[list[SentBatch], Found]:
    """Decide what is to be sent, and write it down, so that no other kernel sends it too.

    Parameters
    ----------
    plan : Plan
        What is called for.
    keys : Keys
        The content keys of its requests.
    job : JobRecord
        The call.
    positions : sequence of int
        The requests that need an answer, by their places in the plan.
    ledger : Ledger
        What was sent before.
    source_of : callable
        Finds where outputs are to be read.
    is_answered : callable
        Says of a request, and of where it was sent last, whether the answer is to come from there.

    Returns
    -------
    batches : list of SentBatch
        To be sent.
    under_way : Found
        Requests that are not to be sent, for they were.
    """
    batches: list[SentBatch] = []
    under_way = Found()

    def lay_out(known: Iterator[Sent | None], first: int) -> list[Planned]:
        missing = array("i")
        for position, sent in zip(positions, known, strict=True):
            if sent is not None and is_answered(position, sent):
                under_way.add(position, sent)
            else:
                missing.append(position)
        batches.extend(
            plan_batches(plan, missing, job_id=job.id, first=first, now=job.created_at, source_of=source_of)
        )
        return written(plan, batches, keys)

    ledger.claim(job, map(keys.__getitem__, positions), lay_out)
    return batches, under_way


def delivery_of(job: JobRecord) -> Delivery:
    """Return where the outputs of a job were to go."""
    return Delivery(
        storage_url=job.storage_url, storage_compress=job.storage_compress, callback_url=job.callback_url
    )
