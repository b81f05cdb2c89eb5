"""Outputs read on their own, wherever they lie, with no job around them."""

from __future__ import annotations

import itertools
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
from msgspec.structs import replace
from pandas.api.extensions import no_default

from nimble_pandas import collector
from nimble_pandas.client import Client
from nimble_pandas.config import netrc_credentials, resolve_base_url
from nimble_pandas.errors import ConfigError, InputError, OutputMissing, OutputUnreadable
from nimble_pandas.frames import Answer, Pages, assemble
from nimble_pandas.job.judge import judge
from nimble_pandas.job.sources import Pulled, is_passing
from nimble_pandas.models import read_output
from nimble_pandas.options import Options
from nimble_pandas.planning.warn import warn
from nimble_pandas.storage import Store, normalise_url

if TYPE_CHECKING:
    from pandas.api.typing import NoDefault

_RESULTS = re.compile(r"(?P<base_url>https?://.+)/api/v1/tasks/(?P<task_id>[^/?#]+)/results")

# as most are spelled
_BUCKET = re.compile(r"(?:s3|gs)://[^/]+(?=/)")

# what may be in cycles waits so long for the garbage collector
_WINDOW = 4096


def read_outputs(
    urls: str | os.PathLike[str] | Iterable[str],
    *,
    storage_options: Mapping[str, Any] | None = None,
    client: Client | None = None,
    explode: bool | str = False,
    dtype_backend: str | NoDefault = no_default,
) -> pd.DataFrame:
    """Read outputs wherever they lie, with or without the job that they belong to.

    One row per output, in the order given and under the index of a Series; outputs of a prefix stand in
    the order of their names.

    Parameters
    ----------
    urls : str, path, or iterable of str of length n
        One output, a prefix or folder with outputs in it, or any number of outputs. A missing value, as
        in the ``output_url`` of a row that was never sent, gives a row that says so.
    storage_options : Mapping, optional
        Handed to fsspec as they are.
    client : Client, optional
        For outputs that the service keeps (``…/tasks/<id>/results``); it reads those of its own service only.
        If not given, the credentials of the environment go to the service that ``NIMBLE_BASE_URL`` names
        (or Nimble's own) and to no other, those of ``~/.netrc`` to the host that they are for.
    explode : bool or str, default False
        As in `batch`.
    dtype_backend : {"numpy_nullable", "pyarrow"}, optional
        As in `batch`.

    Returns
    -------
    pandas.DataFrame, length n
        The task columns and the output columns. The page itself is in ``html_content`` where an output
        was not parsed.

    Raises
    ------
    ConfigError
        A store cannot be opened, or there are no credentials for a service.
    InputError
        `urls` holds something else than locations.
    StorageError
        A prefix cannot be listed, or holds no outputs. An output that cannot be read is a row, not an error.
    """
    storage_options = Options(storage_options)
    series = _listed(urls, storage_options)
    pages = Pages()
    known: dict[str, Answer] = {}
    # one stream of all of them, for whoever reads from a store reads ahead
    wanted = series.dropna().unique()
    found_at = contents(wanted, storage_options, client)
    n_known = -1
    while n_known < len(known):
        n_known = len(known)
        with collector.paused():
            for url, found in itertools.islice(found_at, _WINDOW):
                if not known and isinstance(found, Exception) and is_passing(found):
                    _warn_of_trouble(found, len(wanted) - 1)
                known[url] = _answer(url, found, pages)
    nowhere = Answer(status="invalid", error="there is no output URL")
    answers = [known[url] if isinstance(url, str) else nowhere for url in series]
    if lacking := pages.lacks(explode):
        warn(lacking)
    return assemble(
        pd.DataFrame(index=series.index),
        answers,
        np.arange(len(answers)),
        pages,
        explode=explode,
        with_html=pages.html.null_count < len(pages),
        dtype_backend=dtype_backend,
    )


def _warn_of_trouble(error: Exception, n_others: int) -> None:
    """Say early that a store is in trouble: it may take long until each output is a row that says so."""
    if n_others:
        warn(
            f"nothing could be read so far: {error}. The other {n_others:,} are still tried, for as long: "
            "interrupt, and look at storage_options=, if they lie there too."
        )


def _listed(urls: object, storage_options: Mapping[str, Any] | None) -> pd.Series:
    if isinstance(urls, str | os.PathLike):
        url = normalise_url(urls)
        if url.startswith("http") or url.endswith((".json", ".json.gz")):
            return pd.Series([url], dtype=object)
        return pd.Series(_found(url, storage_options), dtype=object)
    if isinstance(urls, pd.DataFrame):
        raise InputError("urls is a DataFrame.", hint='Give its column: read_outputs(frame["output_url"]).')
    series = urls if isinstance(urls, pd.Series) else pd.Series([*urls], dtype=object)  # type: ignore[misc]
    bad = [label for label, url in series.items() if pd.notna(url) and not isinstance(url, str)]
    if bad:
        raise InputError(f"output URLs are text; these rows are not: {bad[:20]!r}.")
    return series


def _found(prefix: str, storage_options: Mapping[str, Any] | None) -> list[str]:
    urls = _opened(prefix, storage_options).find()
    if not urls:
        raise OutputMissing(f"there are no outputs under {prefix}")
    return urls


def _opened(place: str, storage_options: Mapping[str, Any] | None) -> Store:
    try:
        return Store(place, storage_options)
    except ConfigError as exc:
        # nothing was to be sent
        exc.hint = "Check the location and storage_options=."
        raise


def contents(
    urls: Iterable[str], storage_options: Mapping[str, Any] | None, client: Client | None
) -> Iterator[tuple[str, bytes | Exception]]:
    """Fetch outputs wherever they lie.

    Parameters
    ----------
    urls : iterable of str
        Their locations.
    storage_options, client : optional
        As in `read_outputs`.

    Yields
    ------
    tuple of str and (bytes or Exception)
        Each URL, in no particular order, with what is there, unpacked, or why there is nothing.
    """
    places: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for url in urls:
        try:
            places[_place(url)].append(url)
        except ConfigError as exc:
            # a text that names no location is its own row's trouble
            yield url, OutputUnreadable(str(exc.args[0]))
    for (place, pulled), members in places.items():
        if pulled:
            yield from _pulled(members, place, client)
        else:
            yield from _opened(place, storage_options).read(members)


def _place(url: str) -> tuple[str, bool]:
    """Return the part of a URL that one connection serves, and whether it is pulled from a service."""
    if (bucket := _BUCKET.match(url)) and ".." not in url:
        return bucket[0], False
    normal = normalise_url(url)
    if match := _RESULTS.fullmatch(normal):
        return match["base_url"], True
    protocol, _, rest = normal.partition("://")
    return f"{protocol}://{rest.partition('/')[0] if protocol != 'file' else '/'}", False


def _pulled(
    urls: Iterable[str], place: str, client: Client | None
) -> Iterator[tuple[str, bytes | Exception]]:
    if client is not None and not _is_at(client, place):
        refused = OutputUnreadable(
            f"refused: it is not under {client.base_url}, which is the service of client="
        )
        yield from ((url, refused) for url in urls)
        return
    spellings: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        if match := _RESULTS.fullmatch(normalise_url(url)):
            spellings[unquote(match["task_id"])].append(url)
    source = Pulled(client or _client_of(resolve_base_url(place)))
    for task_id, found in source.read({task_id: urls[0] for task_id, urls in spellings.items()}):
        yield from ((url, found) for url in spellings[task_id])


def _is_at(client: Client, place: str) -> bool:
    try:
        return resolve_base_url(place) == client.base_url
    except ConfigError:
        return False


def _client_of(base_url: str) -> Client:
    """Return a client of the service that a URL names, whoever wrote the URL."""
    if base_url == resolve_base_url():
        return Client()
    found = netrc_credentials(base_url)
    if found is None:
        raise ConfigError(
            f"{base_url} is not the service of NIMBLE_BASE_URL, and ~/.netrc has no credentials for it.",
            hint=f'Give client=nimble_pandas.Client(base_url="{base_url}", username=…, password=…).',
        )
    return Client(base_url=base_url, username=found.username, password=found.password)


def _answer(url: str, found: bytes | Exception, pages: Pages) -> Answer:
    if not isinstance(found, bytes):
        status = "not_delivered" if isinstance(found, OutputMissing) else "unreadable"
        return Answer(status=status, output_url=url, error=str(found))
    try:
        output = read_output(found)
    except OutputUnreadable as exc:
        return Answer(status="unreadable", output_url=url, error=str(exc))
    known = Answer(status="pending", output_url=url, task_id=output.task_id)
    answer, page = judge(output, known=known, parse=output.parsed, url=None, http_status=None)
    return answer if page is None else replace(answer, page=pages.add(page))
