"""A column of URLs in, a tidy DataFrame out: Nimble's batch API for pandas.

Importing this adds ``df.nimble`` to every DataFrame. What needs the network, the stores or the notebook is
loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nimble_pandas import accessor as _accessor  # noqa: F401 -- registers df.nimble
from nimble_pandas.errors import (
    ApiError,
    AuthError,
    ConfigError,
    InputError,
    JobExpired,
    JobTimeout,
    NimbleError,
    OutputMissing,
    OutputUnreadable,
    RateLimited,
    ServerError,
    StorageError,
    SubmitUnknown,
    TransportError,
)
from nimble_pandas.pricing import prices
from nimble_pandas.verbs import batch, plan, submit

if TYPE_CHECKING:
    from nimble_pandas import local
    from nimble_pandas.checks import Check, check
    from nimble_pandas.client import Client
    from nimble_pandas.job import Job, attach, jobs, read_outputs, rescue
    from nimble_pandas.ledger import Ledger
    from nimble_pandas.permissions import bucket_policy, key_policy
    from nimble_pandas.planning import Plan
    from nimble_pandas.progress import Snapshot

__version__ = "0.1.0"

__all__ = [
    "ApiError",
    "AuthError",
    "Check",
    "Client",
    "ConfigError",
    "InputError",
    "Job",
    "JobExpired",
    "JobTimeout",
    "Ledger",
    "NimbleError",
    "OutputMissing",
    "OutputUnreadable",
    "Plan",
    "RateLimited",
    "ServerError",
    "Snapshot",
    "StorageError",
    "SubmitUnknown",
    "TransportError",
    "attach",
    "batch",
    "bucket_policy",
    "check",
    "jobs",
    "key_policy",
    "local",
    "plan",
    "prices",
    "read_outputs",
    "rescue",
    "submit",
]

_LATER = {
    "Check": "nimble_pandas.checks",
    "Client": "nimble_pandas.client",
    "Job": "nimble_pandas.job",
    "Plan": "nimble_pandas.planning",
    "Snapshot": "nimble_pandas.progress",
    "attach": "nimble_pandas.job",
    "check": "nimble_pandas.checks",
    "bucket_policy": "nimble_pandas.permissions",
    "key_policy": "nimble_pandas.permissions",
    "jobs": "nimble_pandas.job",
    "read_outputs": "nimble_pandas.job",
    "rescue": "nimble_pandas.job",
    "Ledger": "nimble_pandas.ledger",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- as whatever is asked for
    if name == "local":
        return importlib.import_module("nimble_pandas.local")
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
