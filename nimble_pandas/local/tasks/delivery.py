"""Writing outputs to where the caller wants them."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec

from nimble_pandas.local.clock import Clock
from nimble_pandas.local.tasks.batches import Batch, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An output on its way.

    Parameters
    ----------
    batch : Batch
        The batch of the task.
    task : Task
        The task that it belongs to.
    data : bytes or None
        What is to be stored; None to store nothing.
    clock : Clock
        The service's time.
    produce : callable
        Makes the output of any task from its page.
    wait : callable, optional
        Holds the output back although the task says success.
    """

    batch: Batch
    task: Task
    data: bytes | None
    clock: Clock
    produce: Callable[[Task], Awaitable[bytes]]
    wait: Callable[[], Awaitable[None]] | None = None


class Storage:
    """Writes objects through fsspec.

    Parameters
    ----------
    options : Mapping, optional
        Handed to fsspec as it is.
    """

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self._options = dict(options or {})
        self._filesystems: dict[str, Any] = {}
        self._lock = threading.Lock()

    def write(self, url: str, data: bytes) -> None:
        """Write one object.

        A reader finds all of it or nothing. Folders are made where they are missing, buckets never.

        Parameters
        ----------
        url : str
            ``s3://``, ``gs://`` or ``file:///``.
        data : bytes
            Its content.

        Raises
        ------
        Exception
            Whatever fsspec's filesystem raises; nothing was written.
        """
        protocol = url.partition("://")[0]
        if protocol == "file":
            _write_file(Path(url.removeprefix("file://")), data)
        else:
            # pipe_file is one PUT; open(…, "wb") would make the bucket (s3fs) or lose the error (gcsfs)
            self._filesystem(protocol).pipe_file(url, data)

    def close(self) -> None:
        """Close the connections."""
        for filesystem in self._filesystems.values():
            _close(filesystem)
        self._filesystems.clear()

    def _filesystem(self, protocol: str) -> Any:  # noqa: ANN401 -- fsspec has no types
        with self._lock:
            if protocol not in self._filesystems:
                # own instance: a cached one may hold another server's address
                self._filesystems[protocol] = fsspec.filesystem(
                    protocol, skip_instance_cache=True, use_listings_cache=False, **self._options
                )
            return self._filesystems[protocol]


def _write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)  # noqa: PTH105 -- atomic, as the name says
    finally:
        part.unlink(missing_ok=True)


def _close(filesystem: Any) -> None:  # noqa: ANN401 -- fsspec has no types
    """Close a filesystem's session now: left to the garbage collector it warns."""
    session = getattr(filesystem, "_s3", None) or getattr(filesystem, "_session", None)
    if session is not None:
        type(filesystem).close_session(filesystem.loop, session)
