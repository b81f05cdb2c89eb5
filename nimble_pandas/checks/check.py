"""What a job needs, tried one after the other; nothing is submitted, nothing written to a store."""

from __future__ import annotations

import json
import os
import pathlib
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from nimble_pandas.checks.buckets import S3, Gcs
from nimble_pandas.checks.lines import Check, Line
from nimble_pandas.client import Client
from nimble_pandas.config import is_loopback
from nimble_pandas.errors import ApiError, AuthError, ConfigError, NimbleError, TransportError
from nimble_pandas.ledger import Ledger
from nimble_pandas.options import Options
from nimble_pandas.permissions import bucket_policy
from nimble_pandas.storage import Store, normalise_url

# the nil UUID, which is never given to a task
_NO_TASK = "00000000-0000-0000-0000-000000000000"

_NOT_FOUND = 404

_MAX_CHARS = 160


def check(
    storage_url: str | os.PathLike[str] | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
    client: Client | None = None,
) -> Check:
    """Try the key and the store of a job beforehand.

    Parameters
    ----------
    storage_url : str or path, optional
        Where outputs would be delivered: ``s3://…``, ``gs://…``, or a folder with the local service. Only the
        key and the ledger are tried if not given.
    storage_options : Mapping, optional
        Handed to fsspec as they are; your own right to list and read is tried with them.
    client : Client, optional
        Whose key is tried; one with the settings of the environment if not given.

    Returns
    -------
    Check
        Which shows itself, and whose ``ok`` is True where nothing is known to be missing. What is missing
        raises no error.

    Notes
    -----
    Nothing is submitted, so nothing is billed, and nothing is written to the store. The key is tried by
    asking for a task that cannot exist: the documentation has 401 for a key that is refused, and 404 for
    what is not there. Whether the service may write is read from the bucket's policy, for the principal
    that the batch documentation names, whichever service the client speaks to; what an account grants
    elsewhere cannot be seen from here.

    Examples
    --------
    >>> import nimble_pandas
    >>> with nimble_pandas.local.serve() as service:
    ...     nimble_pandas.check(client=service.client()).ok
    True
    """
    storage_options = Options(storage_options)
    try:
        client, lines = client or Client(), []
    except ConfigError as exc:
        lines = [_from_error("key", exc)]
    if client is not None:
        lines += _service(client)
    if storage_url is not None:
        lines += _store(storage_url, storage_options, client)
    lines.append(_ledger())
    return Check(tuple(replace(line, found=storage_options.mask(line.found)) for line in lines))


def _service(client: Client) -> list[Line]:
    try:
        client.task(_NO_TASK)
    except TransportError as exc:
        unreached = _from_error("service", exc, "Check the network, and NIMBLE_BASE_URL if it is set.")
        return [
            unreached,
            Line("key", "cannot be seen", "The service was not reached.", "Try again once it answers."),
        ]
    except AuthError as exc:
        return [_answers(client), Line("key", "missing", _in_short(exc), exc.hint or "")]
    except ApiError as exc:
        return [_answers(client), _accepted(client) if _says_no_such_task(exc) else _unsure(_in_short(exc))]
    return [_answers(client), _unsure(f"{client.base_url} knows a task that cannot exist.")]


def _answers(client: Client) -> Line:
    return Line("service", "ok", f"{client.base_url} answers.")


def _accepted(client: Client) -> Line:
    name = client.account.removeprefix(client.base_url).strip()
    return Line("key", "ok", f"Accepted, for the account {name}." if name else "The API key is accepted.")


def _unsure(found: str) -> Line:
    remedy = (
        "That neither accepts nor refuses the key. Try again later, and check NIMBLE_BASE_URL if it is set."
    )
    return Line("key", "cannot be seen", found, remedy)


def _says_no_such_task(exc: ApiError) -> bool:
    # any web server answers 404 to an address that it does not have; the API says so in JSON
    try:
        return exc.status_code == _NOT_FOUND and isinstance(json.loads(exc.body or ""), dict)
    except ValueError:
        return False


def _in_short(exc: ApiError) -> str:
    # a server that is not the API may answer with a whole page
    return textwrap.shorten(str(exc.args[0]), _MAX_CHARS, placeholder=" …")


def _ledger() -> Line:
    try:
        ledger = Ledger()
    except ConfigError as exc:
        return _from_error("ledger", exc)
    return Line("ledger", "ok", f"{ledger.folder} can be written.")


def _from_error(name: str, exc: NimbleError, remedy: str = "") -> Line:
    return Line(name, "missing", str(exc.args[0]), exc.hint or remedy)


def _store(storage_url: str | os.PathLike[str], options: Options, client: Client | None) -> Iterator[Line]:
    try:
        url = normalise_url(storage_url)
        protocol, _, rest = url.partition("://")
        if protocol == "file":
            yield from _folder(pathlib.Path(rest), client)
        else:
            # first, for it says which protocols there are
            bucket_policy(url)
            kind = S3 if protocol == "s3" else Gcs
            yield from kind(Store(url, options)).lines()
    except ConfigError as exc:
        yield _from_error("bucket", exc)


def _folder(path: pathlib.Path, client: Client | None) -> Iterator[Line]:
    nearest = next(each for each in (path, *path.parents) if os.access(each, os.F_OK))
    if not nearest.is_dir():
        yield Line("folder", "missing", f"{nearest} is no folder.", "Choose another storage_url.")
    elif not os.access(nearest, os.W_OK | os.X_OK):
        yield Line("folder", "missing", f"You may not write into {nearest}.", "Choose another storage_url.")
    else:
        yield Line("folder", "ok", f"{path} can be {'written' if nearest == path else 'made'}.")
    if client is not None and not is_loopback(client.base_url):
        found = f"{client.base_url} cannot write to a folder of this machine."
        yield Line("writing", "missing", found, "Give s3://… or gs://…, or use nimble_pandas.local.")
