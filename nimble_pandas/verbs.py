"""The verbs: `plan`, `submit`, `batch`. Signatures and docstrings; the story itself is in `job`."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
from pandas.api.extensions import no_default

from nimble_pandas.options import Options

if TYPE_CHECKING:
    from pandas.api.typing import NoDefault

    from nimble_pandas.client import Client
    from nimble_pandas.job import Job
    from nimble_pandas.ledger import Ledger
    from nimble_pandas.planning import Plan
    from nimble_pandas.progress import View

_Verb = TypeVar("_Verb", bound=Callable[..., Any])

_PARAMETERS = ("url", "vendor", "country", "state", "city", "zip", "locale", "parse")


def batch(
    frame: pd.DataFrame,
    *,
    url_col: Hashable | None = None,
    country_col: Hashable | None = None,
    state_col: Hashable | None = None,
    city_col: Hashable | None = None,
    zip_col: Hashable | None = None,
    locale_col: Hashable | None = None,
    vendor_col: Hashable | None = None,
    parse_col: Hashable | None = None,
    url: str | Sequence[str] | None = None,
    country: str | Sequence[str] | None = None,
    state: str | Sequence[str] | None = None,
    city: str | Sequence[str] | None = None,
    zip: str | Sequence[str] | None = None,  # noqa: A002 -- the API's name
    locale: str | Sequence[str] | None = None,
    vendor: str | Sequence[str] | None = None,
    parse: bool | Sequence[bool] | None = None,
    params: Mapping[str, object] | None = None,
    param_cols: Mapping[str, Hashable] | None = None,
    storage_url: str | None = None,
    storage_compress: bool = False,
    callback_url: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    explode: bool | str = False,
    dtype_backend: str | NoDefault = no_default,
    max_requests: int | None = None,
    invalid: str = "raise",
    max_age: str | pd.Timedelta | timedelta | None = None,
    refresh: bool = False,
    progress: str | View = "auto",
    timeout: float | None = None,
    client: Client | None = None,
    ledger: Ledger | None = None,
) -> pd.DataFrame:
    """Fetch a page for every row and return the frame with what was found.

    One row per row of `frame`, in its order and under its index labels, whatever happens to a page: one
    that failed is a row with a ``status`` and an ``error``. Equal rows share one request. With a list for
    a parameter, each row comes once per value, its index label repeated; with `explode`, once per entity.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        The rows; never changed.
    url_col : label, optional
        Column, or index level, with the page of each row: a product or search page.
    country_col : label, optional
        Column with the ISO 3166-1 alpha-2 code of the country that the page is fetched from.
    state_col : label, optional
        Column with the two letters of a US state.
    city_col : label, optional
        Column with the city; in the US together with the state.
    zip_col : label, optional
        Column with the US zip, as text or as a number that has lost its leading zeros.
    locale_col : label, optional
        Column with the locale, such as ``"en-US"``, or ``"auto"`` to follow the country.
    vendor_col : label, optional
        Column with the vendor.
    parse_col : label, optional
        Column that says whether to parse the page.
    url : str or list of str, optional
        The page for rows that name none. As for all of the following: a list makes a grid, every row with
        every value, and the value becomes a column.
    country : str or list of str, optional
        The country for rows that name none; the service's default is any country.
    state : str or list of str, optional
        The state for rows that name none.
    city : str or list of str, optional
        The city for rows that name none.
    zip : str or list of str, optional
        The zip for rows that name none.
    locale : str or list of str, optional
        The locale for rows that name none; the service's default is ``"en"``.
    vendor : str or list of str, optional
        The vendor for rows that name none, such as ``"walmart"`` or ``"amazon"``. Every request needs one.
    parse : bool or list of bool, optional
        True for structured fields, False for the page's HTML; the service's default is False.
    params : Mapping of str to object, optional
        Further parameters of the API for all rows, sent as they are.
    param_cols : Mapping of str to label, optional
        Columns that give further parameters of the API.
    storage_url : str, optional
        Where the service delivers outputs: ``s3://bucket/prefix/``, ``gs://bucket/prefix/`` or, with the
        local service, a folder. Outputs are pulled over HTTP if not given.
    storage_compress : bool, default False
        Whether the delivered outputs are gzipped.
    callback_url : str, optional
        Told by the service of every finished task, never of its data.
    storage_options : Mapping, optional
        Handed to fsspec as they are, as in `pandas.read_parquet`.
    explode : bool or str, default False
        False: the page's first product, or its first entity if it has none. True: one row for every
        entity. A type such as ``"SearchResult"``: one row for every entity of that type.
    dtype_backend : {"numpy_nullable", "pyarrow"}, optional
        The dtypes of the new columns, as in `pandas.read_parquet`.
    max_requests : int, optional
        The most requests to send: a larger plan is refused before anything is sent.
    invalid : {"raise", "row"}, default "raise"
        What to do with rows that cannot be sent: refuse the whole frame, or keep them as rows with
        status ``invalid`` and send the rest.
    max_age : str or Timedelta, optional
        Reuse outputs of pages that were fetched in that time, such as ``"6h"``; their rows say ``reused``.
        Nothing is reused if not given.
    refresh : bool, default False
        Send everything anew. Otherwise a request that is under way already, from an earlier call whose
        frame was never handed out, is taken up instead of being paid for twice.
    progress : {"auto", "widget", "text", "log", "none"} or View, default "auto"
        How progress is shown: a widget in a notebook, a bar in a terminal, log lines elsewhere.
    timeout : float, optional
        Seconds to wait at most; no limit if not given.
    client : Client, optional
        The connection to the service; made from the environment if not given.
    ledger : Ledger, optional
        Where it is written down what was sent; in the user's data folder, or in ``NIMBLE_PANDAS_HOME``, if
        not given.

    Returns
    -------
    pandas.DataFrame
        The input columns, untouched; ``task_id``, ``batch_id``, ``status``, ``error``, ``http_status``,
        ``fetched_at`` (UTC), ``reused``, ``output_url``; then what was found on the page, nested names
        joined with a dot. A new column whose name is taken gets the suffix ``_nimble``.

    Raises
    ------
    InputError
        Rows or arguments cannot be sent, all of them named; nothing was sent.
    ConfigError
        There is no key, or a setting is wrong; nothing was sent.
    ApiError
        The service refused the first batch (nothing was sent) or refuses to tell how far it is (it goes on).
    TransportError
        The service cannot be reached; the message says whether anything was sent.
    JobTimeout
        `timeout` seconds have passed; the job goes on and is billed, and the message says how to take it up.

    See Also
    --------
    plan : What would be sent; sends nothing.
    submit : Send and return at once.

    Notes
    -----
    Parameters, their defaults and the limit of 1,000 requests per batch are those of the documentation of
    Nimble's E-commerce API. What was submitted cannot be cancelled.

    Examples
    --------
    >>> import pandas as pd, nimble_pandas
    >>> with nimble_pandas.local.serve() as service:
    ...     pages = pd.DataFrame({"url": nimble_pandas.local.shop.product_urls(service.shop_url, 2)})
    ...     prices = nimble_pandas.batch(
    ...         pages, url_col="url", vendor="walmart", parse=True, progress="none", client=service.client()
    ...     )
    >>> list(prices["status"])
    ['ok', 'ok']
    """
    storage_options = Options(storage_options)
    arguments = locals()
    age = _seconds(max_age)
    job = _prepared(arguments, explode=explode, dtype_backend=dtype_backend)
    return job.run(timeout, refresh=refresh, max_age=age, explode=explode, dtype_backend=dtype_backend)


def _parameters_of_batch(verb: _Verb) -> _Verb:
    """Fill in the parameters that `verb` shares with `batch`, so that each is described once."""
    described = re.split(r"\n {4}(?=\w+ : )", (batch.__doc__ or "").partition("Returns\n")[0])
    entries = {entry.partition(" : ")[0]: entry.rstrip() for entry in described[1:]}
    names = verb.__code__.co_varnames[: 1 + verb.__code__.co_kwonlyargcount]
    shared = "\n    ".join(entries[name] for name in names)
    verb.__doc__ = (verb.__doc__ or "").replace("{parameters}", shared)
    return verb


@_parameters_of_batch
def submit(  # numpydoc ignore=PR01,PR02
    frame: pd.DataFrame,
    *,
    url_col: Hashable | None = None,
    country_col: Hashable | None = None,
    state_col: Hashable | None = None,
    city_col: Hashable | None = None,
    zip_col: Hashable | None = None,
    locale_col: Hashable | None = None,
    vendor_col: Hashable | None = None,
    parse_col: Hashable | None = None,
    url: str | Sequence[str] | None = None,
    country: str | Sequence[str] | None = None,
    state: str | Sequence[str] | None = None,
    city: str | Sequence[str] | None = None,
    zip: str | Sequence[str] | None = None,  # noqa: A002 -- the API's name
    locale: str | Sequence[str] | None = None,
    vendor: str | Sequence[str] | None = None,
    parse: bool | Sequence[bool] | None = None,
    params: Mapping[str, object] | None = None,
    param_cols: Mapping[str, Hashable] | None = None,
    storage_url: str | None = None,
    storage_compress: bool = False,
    callback_url: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    max_requests: int | None = None,
    invalid: str = "raise",
    max_age: str | pd.Timedelta | timedelta | None = None,
    refresh: bool = False,
    progress: str | View = "auto",
    client: Client | None = None,
    ledger: Ledger | None = None,
) -> Job:
    """Send a request for every row and return at once, with the job.

    Rows, order and index are kept for the frame that the job returns, as in `batch`.

    Parameters
    ----------
    {parameters}

    Returns
    -------
    Job
        To be waited for, and asked for its frame at any time.

    Raises
    ------
    InputError
        Rows or arguments cannot be sent, all of them named; nothing was sent.
    ConfigError
        There is no key, or a setting is wrong; nothing was sent.
    ApiError
        The service refused the first batch; nothing was sent.
    TransportError
        The service cannot be reached; nothing was sent.

    See Also
    --------
    batch : Send, wait, and return the frame.
    plan : What would be sent; sends nothing.

    Examples
    --------
    >>> import pandas as pd, nimble_pandas
    >>> with nimble_pandas.local.serve() as service:
    ...     pages = pd.DataFrame({"url": nimble_pandas.local.shop.product_urls(service.shop_url, 2)})
    ...     job = nimble_pandas.submit(
    ...         pages, url_col="url", vendor="walmart", progress="none", client=service.client()
    ...     )
    ...     frame = job.wait().frame()
    """
    storage_options = Options(storage_options)
    arguments = locals()
    age = _seconds(max_age)
    return _prepared(arguments).submit(refresh=refresh, max_age=age)


@_parameters_of_batch
def plan(  # numpydoc ignore=PR01,PR02
    frame: pd.DataFrame,
    *,
    url_col: Hashable | None = None,
    country_col: Hashable | None = None,
    state_col: Hashable | None = None,
    city_col: Hashable | None = None,
    zip_col: Hashable | None = None,
    locale_col: Hashable | None = None,
    vendor_col: Hashable | None = None,
    parse_col: Hashable | None = None,
    url: str | Sequence[str] | None = None,
    country: str | Sequence[str] | None = None,
    state: str | Sequence[str] | None = None,
    city: str | Sequence[str] | None = None,
    zip: str | Sequence[str] | None = None,  # noqa: A002 -- the API's name
    locale: str | Sequence[str] | None = None,
    vendor: str | Sequence[str] | None = None,
    parse: bool | Sequence[bool] | None = None,
    params: Mapping[str, object] | None = None,
    param_cols: Mapping[str, Hashable] | None = None,
    storage_url: str | None = None,
    storage_compress: bool = False,
    callback_url: str | None = None,
) -> Plan:
    """Show what would be sent for a frame; sends nothing and needs no key.

    Rows that cannot be sent are listed in the plan by index label, in the order of the frame.

    Parameters
    ----------
    {parameters}

    Returns
    -------
    Plan
        Requests, batches, bytes, duplicates, and the rows that cannot be sent.

    Raises
    ------
    InputError
        A column is missing, or an argument is wrong for every row.
    ConfigError
        The delivery is wrong.

    See Also
    --------
    submit : Send it.

    Examples
    --------
    >>> import pandas as pd, nimble_pandas
    >>> pages = pd.DataFrame({"url": ["https://www.walmart.com/ip/1"]})
    >>> nimble_pandas.plan(pages, url_col="url", vendor="walmart", country=["US", "CA"]).n_requests
    2
    """
    return _planned(locals())


def _planned(arguments: Mapping[str, Any]) -> Plan:
    from nimble_pandas.models import Delivery
    from nimble_pandas.planning import plan_rows

    return plan_rows(
        arguments["frame"],
        columns={name: arguments[f"{name}_col"] for name in _PARAMETERS},
        values={name: arguments[name] for name in _PARAMETERS},
        params=arguments["params"],
        param_cols=arguments["param_cols"],
        delivery=Delivery(
            storage_url=_location(arguments["storage_url"]),
            storage_compress=arguments["storage_compress"],
            callback_url=arguments["callback_url"],
        ),
    )


def _location(storage_url: str | None) -> str | None:
    if storage_url is None:
        # planning needs no stores
        return None
    from nimble_pandas.storage import normalise_url

    return normalise_url(storage_url)


def _prepared(arguments: Mapping[str, Any], **layout: Any) -> Job:  # noqa: ANN401 -- as `batch` has them
    from nimble_pandas.job import prepare

    options = ("storage_options", "max_requests", "invalid", "progress", "client", "ledger")
    return prepare(_planned(arguments), **{name: arguments[name] for name in options}, **layout)


def _seconds(max_age: object) -> float | None:
    from nimble_pandas.job import seconds

    return seconds(max_age)
