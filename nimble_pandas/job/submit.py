"""The batches of a job, sent one after the other; each is paid for once, whatever happens to its answer."""

from __future__ import annotations

from collections.abc import Callable

from nimble_pandas.client import Client
from nimble_pandas.errors import ApiError, AuthError, RateLimited, ServerError, SubmitUnknown, TransportError
from nimble_pandas.job.register import Register
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.planning import Plan


def send(
    plan: Plan,
    batches: list[SentBatch],
    *,
    client: Client,
    register: Register,
    accepted: Callable[[SentBatch], None],
) -> None:
    """Submit all batches of a plan.

    A batch whose answer is lost leaves its rows ``unknown``. One that is refused leaves its rows ``failed``,
    and so do those behind it where they would be refused too.

    Parameters
    ----------
    plan : Plan
        What to send.
    batches : list of SentBatch
        Filled in with what the service answers.
    client : Client
        The service.
    register : Register
        Told of the rows that will get no page.
    accepted : callable
        Called with each batch that was accepted.

    Raises
    ------
    ApiError
        The first batch was refused; nothing runs or is billed.
    TransportError
        The service could not be reached with the first batch; nothing was sent.
    """
    for number, batch in enumerate(batches):
        try:
            answer = client.submit(plan.body(number, batch.delivery))
        except (SubmitUnknown, ServerError) as exc:
            error = f"the submit may or may not have been taken: {exc.args[0]}"
            _give_up(batch, register, "unknown", error)
            continue
        except (ApiError, TransportError) as exc:
            if number == 0:
                raise
            _give_up(batch, register, "failed", f"not sent: {exc.args[0]}")
            if isinstance(exc, AuthError | RateLimited | TransportError):
                _give_up_rest(batches[number + 1 :], register, exc)
                return
            continue
        except KeyboardInterrupt:
            _give_up(batch, register, "unknown", "interrupted while the submit was under way")
            _give_up_rest(batches[number + 1 :], register, KeyboardInterrupt("interrupted"))
            raise
        batch.id = answer.id
        batch.learn(answer)
        accepted(batch)


def _give_up(batch: SentBatch, register: Register, status: str, error: str) -> None:
    for position in batch.positions:
        register.settle_as(position, status, error)


def _give_up_rest(batches: list[SentBatch], register: Register, exc: BaseException) -> None:
    for batch in batches:
        _give_up(batch, register, "failed", f"not sent, after the batch before it: {exc.args[0]}")
