"""A column of URLs in, a tidy DataFrame out: Nimble's batch API for pandas.

Importing this adds ``.nimble`` to every DataFrame and to every Series of URLs. The first steps need no
account and no network: a local service answers in place of Nimble's, and has a demo shop.

>>> import pandas as pd, nimble_pandas
>>> from nimble_pandas.local import serve, shop
>>> service = serve()
>>> pages = pd.DataFrame({"url": shop.product_urls(service.shop_url, 2)})

What would be sent; this sends nothing:

>>> pages.nimble.plan(url_col="url", country=["US", "DE"], vendor="walmart").n_requests
4

Fetch, and get your rows back with what was found beside them:

>>> prices = pages.nimble.batch(
...     url_col="url", country=["US", "DE"], vendor="walmart", parse=True, progress="none",
...     client=service.client(),
... )
>>> prices[["country", "status", "offers.priceCurrency"]].head(2)
  country status offers.priceCurrency
0      US     ok                  USD
0      DE     ok                  EUR
>>> service.close()

With an account, leave out ``client=`` and set ``NIMBLE_USERNAME`` and ``NIMBLE_PASSWORD``. Then:

- ``help(nimble_pandas.batch)`` describes every argument; `submit` returns at once, with a `Job`.
- `jobs` lists what was sent on other days, `attach` takes one up, `rescue` collects what is about to expire.
- `check` tries the key and the bucket before anything is sent, `bucket_policy` says what is missing.
- Every error says what happened, whether anything is still running and billed, and what to type.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from nimble_pandas import accessor as _accessor  # noqa: F401 -- registers .nimble
from nimble_pandas.errors import (
    ApiError,
    AuthError,
    ConfigError,
    InputError,
    JobDetached,
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
from nimble_pandas.pricing import changes, compare, plot_history, plot_prices, plot_status, prices
from nimble_pandas.verbs import batch, plan, submit

if TYPE_CHECKING:
    from nimble_pandas import local
    from nimble_pandas.checks import Check, check
    from nimble_pandas.client import Client
    from nimble_pandas.job import Job, attach, jobs, read_outputs, read_tasks, rescue
    from nimble_pandas.ledger import Ledger
    from nimble_pandas.permissions import bucket_policy, key_policy
    from nimble_pandas.planning import Plan
    from nimble_pandas.progress import Snapshot

__version__ = "0.1.0"

# quiet, unless whoever imports this says otherwise
logging.getLogger(__name__).addHandler(logging.NullHandler())

__all__ = [
    "ApiError",
    "AuthError",
    "Check",
    "Client",
    "ConfigError",
    "InputError",
    "Job",
    "JobDetached",
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
    "changes",
    "check",
    "compare",
    "jobs",
    "key_policy",
    "local",
    "plan",
    "plot_history",
    "plot_prices",
    "plot_status",
    "prices",
    "read_outputs",
    "read_tasks",
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
    "read_tasks": "nimble_pandas.job",
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
