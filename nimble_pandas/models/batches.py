"""What is sent: parameters, delivery, and the body of a submit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nimble_pandas.errors import ConfigError

#: The most requests that one batch takes ("up to 1,000 URLs in a single request", batch documentation).
MAX_BATCH_REQUESTS = 1000

#: The parameters of a request, in the order in which they are sent.
PARAMETERS = ("url", "vendor", "country", "state", "city", "zip", "locale", "parse")

#: What a request means where it says nothing (the parameter table): to say it is to say nothing.
DOCUMENTED_DEFAULTS: Mapping[str, object] = {"country": "ALL", "locale": "en", "parse": False}

#: The parameters that say where outputs go; they are the same for a whole batch.
DELIVERY_PARAMETERS = ("storage_type", "storage_url", "storage_compress", "callback_url")

# `storage_type` by protocol; "file" is an extension of the local service, refused for any other
_STORAGE_TYPES = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "file": "file", "local": "file"}

# an expression, for `urlsplit` takes five times as long and columns have millions of URLs
_HTTP_URL = re.compile(
    r"https?://(?:[^\s/?#@]*@)?(?:\[[0-9a-f:.]+\]|[^\s/?#@:\[\]]+)(?::[0-9]{1,5})?(?:[/?#][^\s\x00-\x1f\x7f]*)?",
    re.IGNORECASE,
)

# one for all: `json.dumps` makes a new one for each value
_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def encode_json(value: object) -> str:
    """Return `value` as the shortest JSON text.

    Parameters
    ----------
    value : object
        What `json` takes, NaN excepted.

    Returns
    -------
    str
        Its JSON, with no blanks.
    """
    return _JSON.encode(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Where a batch's outputs go.

    Parameters
    ----------
    storage_url : str or None
        Prefix that the outputs are written under; None means that they are pulled over HTTP.
    storage_compress : bool
        Whether outputs are gzipped.
    callback_url : str or None
        Told of each finished task by the service.
    """

    storage_url: str | None = None
    storage_compress: bool = False
    callback_url: str | None = None

    def __post_init__(self) -> None:
        if self.storage_url is not None and self.protocol not in _STORAGE_TYPES:
            raise ConfigError(
                f"storage_url={self.storage_url!r} is in no store that the service writes to.",
                hint='Nothing was sent. Use "s3://bucket/prefix/" or "gs://bucket/prefix/" '
                "(or, with the local service, a folder).",
            )
        callback_url: object = self.callback_url
        if callback_url is not None and not (isinstance(callback_url, str) and is_http_url(callback_url)):
            raise ConfigError(
                f"callback_url={callback_url!r} is no http(s) URL.",
                hint='Nothing was sent. Give callback_url="https://…", or leave it out.',
            )
        if self.storage_compress and self.storage_url is None:
            raise ConfigError("storage_compress=True needs a storage_url.", hint="Nothing was sent.")

    @property
    def protocol(self) -> str | None:
        """The store's protocol, such as ``"s3"``; a bare path is ``"file"``; None for pull."""
        if self.storage_url is None:
            return None
        return self.storage_url.partition("://")[0].lower() if "://" in self.storage_url else "file"

    def under(self, *names: str) -> Delivery:
        """Return the same delivery with `names` appended to its prefix.

        Parameters
        ----------
        *names : str
            Folder names.

        Returns
        -------
        Delivery
            With a ``storage_url`` that ends in a slash.
        """
        if self.storage_url is None:
            return self
        prefix = "/".join([self.storage_url.rstrip("/"), *names]) + "/"
        return Delivery(
            storage_url=prefix, storage_compress=self.storage_compress, callback_url=self.callback_url
        )

    def parameters(self) -> dict[str, object]:
        """Return the parameters to be sent, outside ``requests``."""
        wire: dict[str, object] = {}
        if self.storage_url is not None:
            wire["storage_type"] = _STORAGE_TYPES[str(self.protocol)]
            wire["storage_url"] = _wire_url(self.storage_url)
        if self.storage_compress:
            wire["storage_compress"] = True
        if self.callback_url is not None:
            wire["callback_url"] = self.callback_url
        return wire


def _wire_url(storage_url: str) -> str:
    protocol, separator, rest = storage_url.partition("://")
    storage_type = _STORAGE_TYPES.get(protocol.lower())
    return f"{storage_type}://{rest}" if separator and storage_type else storage_url


def is_http_url(value: str) -> bool:
    """Say whether `value` is an absolute http or https URL with a host.

    Parameters
    ----------
    value : str
        The text.

    Returns
    -------
    bool
        False also for anything with blanks or control characters inside.
    """
    return _HTTP_URL.fullmatch(value) is not None


def encode_batch(requests: Iterable[str], defaults: Mapping[str, object], delivery: Delivery) -> bytes:
    """Return the body of a submit: the requests, then the defaults for all of them.

    Parameters
    ----------
    requests : iterable of str
        Each request's own parameters, as JSON.
    defaults : Mapping
        Parameters for all requests; what a request says itself wins.
    delivery : Delivery
        Where the outputs go.

    Returns
    -------
    bytes
        UTF-8 JSON.
    """
    outside = encode_json({**defaults, **delivery.parameters()})[1:]
    comma = "" if outside == "}" else ","
    return f'{{"requests":[{",".join(requests)}]{comma}{outside}'.encode()
