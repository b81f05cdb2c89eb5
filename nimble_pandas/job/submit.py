"""A batch, sent once: the intent on disk before it leaves, what became of it right after."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from nimble_pandas.client import Client
from nimble_pandas.errors import (
    ApiError,
    NimbleError,
    RateLimited,
    ServerError,
    SubmitUnknown,
    TransportError,
)
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.ledger import Ledger
from nimble_pandas.models import encode_batch, encode_json

_LOGGER = logging.getLogger("nimble_pandas.job")


def send(batch: SentBatch, body: bytes, *, client: Client, ledger: Ledger, ready: Callable[[], None]) -> None:
    """Submit one batch.

    Parameters
    ----------
    batch : SentBatch
        In state ``planned``; afterwards ``accepted``, ``unknown`` or ``refused``, here and in the ledger.
    body : bytes
        What to send.
    client : Client
        The service.
    ledger : Ledger
        Told before and after.
    ready : callable
        Called when the batch's turn has come; it is not sent, and still ``planned``, if this raises.

    Raises
    ------
    ConfigError
        The intent cannot be written down; the batch was not sent.
    RateLimited
        The service wants to be asked later: the batch is still ``planned``.
    ApiError, TransportError
        The batch was refused, or never left: nothing of it runs or is billed.
    """

    def intend() -> None:
        ready()
        _move(batch, ledger, state="intent", sent_at=client.clock.now().timestamp())

    try:
        answer = client.submit(body, patience=0.0, ready=intend)
    except (SubmitUnknown, ServerError) as exc:
        batch.swallowed = True
        _move(batch, ledger, state="unknown", error=doubt(exc))
        return
    except RateLimited:
        # provably not taken: it is as if it had not been tried
        _move(batch, ledger, state="planned")
        raise
    except (ApiError, TransportError) as exc:
        _move(batch, ledger, state="refused", error=f"not sent: {exc.args[0]}")
        raise
    batch.record = replace(batch.record, state="accepted", batch_id=answer.id)
    batch.learn(answer)
    ledger.move(batch.record, batch.known_tasks())
    batch.remembered = batch.is_plain
    _LOGGER.info("Job %s, batch %d: accepted as %s", batch.record.job_id, batch.record.number, answer.id)


def body_of(batch: SentBatch, defaults: Mapping[str, object]) -> bytes:
    """Return what is sent for a batch: all of it as it was written down, whoever has planned it.

    Parameters
    ----------
    batch : SentBatch
        Not sent yet.
    defaults : Mapping
        What the call asks for in all requests; it stands outside of them, once.

    Returns
    -------
    bytes
        UTF-8 JSON.
    """
    requests = list(batch.requests)
    # a batch of an earlier call may know nothing of what this one asks for
    outside = {name: each for name, each in defaults.items() if all(name in one for one in requests)}
    said = {name: encode_json(each) for name, each in outside.items()}
    inside = (
        {name: each for name, each in one.items() if name not in said or said[name] != encode_json(each)}
        for one in requests
    )
    return encode_batch(map(encode_json, inside), outside, batch.delivery)


def doubt(exc: NimbleError) -> str:
    """Return what to say of a batch that may or may not have been taken."""
    return f"the submit may or may not have been taken: {exc.args[0]}"


def refuse(batch: SentBatch, ledger: Ledger, error: str) -> None:
    """Take down that a batch is not going to be sent."""
    _move(batch, ledger, state="refused", error=error)


def suspect(batch: SentBatch, ledger: Ledger) -> None:
    """Take down that whoever was about to send a batch is gone, and that nobody knows whether it left."""
    error = "the submit may or may not have been taken: the process that made it ended meanwhile"
    _move(batch, ledger, state="unknown", error=error)


def _move(batch: SentBatch, ledger: Ledger, **changes: object) -> None:
    batch.record = replace(batch.record, **changes)  # type: ignore[arg-type]
    ledger.move(batch.record)
    why = f": {batch.record.error}" if batch.record.error else ""
    _LOGGER.info("Job %s, batch %d: %s%s", batch.record.job_id, batch.record.number, batch.record.state, why)
