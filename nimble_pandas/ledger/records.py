"""What the ledger remembers; no credential is among it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

#: How long the service remembers a batch (seconds; batch documentation).
STATUS_KEPT_SECONDS = 24 * 3600.0


#: The bytes of a content key, and what stands in place of one.
KEY_BYTES = 16
NO_KEY = bytes(KEY_BYTES)

# a file's name may have 255 bytes, and this one gets an ending
_MAX_NAME = 150


def copy_name(task_id: str) -> str:
    """Return the name under which a task's output is kept.

    Parameters
    ----------
    task_id : str
        The service's name for the task: any text at all.

    Returns
    -------
    str
        A file's name, with no way out of its folder.
    """
    name = quote(task_id, safe="", errors="replace")
    if len(name) > _MAX_NAME:
        name = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return f"{name}.json.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A call: its rows, and the request of each by content key.

    Parameters
    ----------
    id : str
        The job's name.
    service : str
        The service and the account, without a secret.
    created_at : float
        Seconds since the epoch, as all times here.
    storage_url : str or None
        Where outputs were to go.
    storage_compress : bool
        Whether they are gzipped.
    callback_url : str or None
        Who is told of each task.
    row_keys : bytes
        The content key of each row's request, 16 bytes each: as objects they take four times the room. Zeros
        for a row that could not be sent.
    rows : bytes or None
        The caller's frame as Parquet; None where it could not be written.
    invalid : list of list
        ``[row, column, reason]`` of what could not be sent.
    """

    id: str
    service: str
    created_at: float
    storage_url: str | None
    storage_compress: bool
    callback_url: str | None
    row_keys: bytes
    rows: bytes | None
    invalid: list[list[object]]

    @property
    def n_rows(self) -> int:
        """How many rows the call had."""
        return len(self.row_keys) // KEY_BYTES

    @property
    def keys(self) -> npt.NDArray[np.bytes_]:
        """The content key of each row's request; empty for a row that could not be sent."""
        return np.frombuffer(self.row_keys, dtype=f"S{KEY_BYTES}")

    def has_rows_of(self, other: JobRecord) -> bool:
        """Say whether another call had the same requests, in as many rows each, in whatever order."""
        return self.n_rows == other.n_rows and bool((np.sort(self.keys) == np.sort(other.keys)).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """A batch: what was to be sent, and what became of it.

    Parameters
    ----------
    job_id : str
        The job that sent it.
    number : int
        Its place in the job.
    state : str
        ``planned`` (provably not sent), ``intent`` (about to be sent), ``accepted``, ``unknown`` (sent,
        perhaps), ``refused`` (provably not taken).
    batch_id : str or None
        The service's name for it.
    storage_url : str or None
        Its own prefix.
    sent_at : float
        When it was last about to be sent.
    error : str or None
        Why it is unknown or refused.
    """

    job_id: str
    number: int
    state: str
    batch_id: str | None
    storage_url: str | None
    sent_at: float
    error: str | None = None

    @property
    def expires_at(self) -> float:
        """When the service forgets it."""
        return self.sent_at + STATUS_KEPT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """A request: what was asked, and the answer once it is final.

    Parameters
    ----------
    job_id, number : str, int
        The batch that it was sent in.
    position : int
        Its place in that batch.
    key : bytes
        Its content key.
    text : str
        What was asked, as JSON, defaults filled in.
    task_id, status, error, http_status, fetched_at, output_url : optional
        As in the frame; ``status`` is None until it is final.
    copy : str or None
        The name of the output's copy in the ledger's folder, for outputs that the service forgets.
    settled_at : float or None
        When the answer became final.
    collected_at : float or None
        When it was first handed out in a complete frame.
    """

    job_id: str
    number: int
    position: int
    key: bytes
    text: str
    task_id: str | None = None
    status: str | None = None
    error: str | None = None
    http_status: int | None = None
    fetched_at: float | None = None
    output_url: str | None = None
    copy: str | None = None
    settled_at: float | None = None
    collected_at: float | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the answer is final."""
        return self.status not in {None, "unknown"}

    @property
    def request(self) -> Mapping[str, object]:
        """What was asked."""
        request: dict[str, object] = json.loads(self.text)
        return request
