"""All that can go wrong before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api.extensions import no_default

from nimble_pandas.client import Client
from nimble_pandas.errors import ConfigError, InputError
from nimble_pandas.job.job import Job
from nimble_pandas.job.outcome import check_layout
from nimble_pandas.ledger import Ledger
from nimble_pandas.planning import Plan
from nimble_pandas.progress import View
from nimble_pandas.progress import view as choose_view

if TYPE_CHECKING:
    from pandas.api.typing import NoDefault


def prepare(
    plan: Plan,
    *,
    storage_options: Mapping[str, Any] | None = None,
    max_requests: int | None = None,
    invalid: str = "raise",
    progress: str | View = "auto",
    client: Client | None = None,
    ledger: Ledger | None = None,
    explode: bool | str = False,
    dtype_backend: str | NoDefault = no_default,
) -> Job:
    """Return a job that is ready to be sent, or say why it cannot be.

    Parameters
    ----------
    plan : Plan
        What to send.
    storage_options, max_requests, invalid, progress, client, ledger, explode, dtype_backend : optional
        As in `batch`.

    Returns
    -------
    Job
        Not sent yet.

    Raises
    ------
    InputError, ConfigError
        Nothing was sent.
    """
    if invalid not in {"raise", "row"}:
        raise ConfigError(f"invalid={invalid!r} is neither 'raise' nor 'row'.", hint="Nothing was sent.")
    if invalid == "raise":
        plan.raise_invalid()
    if max_requests is not None and plan.n_requests > max_requests:
        raise InputError(
            f"the plan has {plan.n_requests:,} requests, more than max_requests={max_requests:,}.",
            hint="Nothing was sent. Raise max_requests=, or send fewer rows.",
        )
    check_layout(plan, explode=explode, dtype_backend=dtype_backend)
    choose_view(progress)
    _check_is("client", client, Client, 'Client(base_url="…")')
    _check_is("ledger", ledger, Ledger, 'Ledger("folder")')
    return Job(
        plan,
        client=client or Client(),
        ledger=ledger or Ledger(),
        storage_options=storage_options,
        progress=progress,
    )


def _check_is(name: str, given: object, kind: type, example: str) -> None:
    if given is not None and not isinstance(given, kind):
        raise ConfigError(
            f"{name}= is a {kind.__name__}, not a {type(given).__name__}.",
            hint=f"Nothing was sent. Give {name}=nimble_pandas.{example}, or leave it out.",
        )


def seconds(max_age: object) -> float | None:
    """Return an age in seconds.

    Parameters
    ----------
    max_age : object
        What `pandas.Timedelta` takes, such as ``"6h"``, or None.

    Returns
    -------
    float or None
        None for None.

    Raises
    ------
    ConfigError
        It is no length of time.
    """
    if max_age is None:
        return None
    try:
        age = pd.Timedelta(max_age)  # type: ignore[arg-type]
        if not age >= pd.Timedelta(0) or isinstance(max_age, int | float):
            raise ValueError("a unit is needed")  # noqa: TRY301 -- one message for all of them
    except (ValueError, TypeError) as exc:
        raise ConfigError(
            f"max_age={max_age!r} is no length of time.", hint='Nothing was sent. Give "6h", or a Timedelta.'
        ) from exc
    return age.total_seconds()
