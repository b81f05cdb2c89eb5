"""Google Cloud Storage as gcsfs reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from obstore.store import GCSStore

from nimble_pandas.storage.addresses import Signed
from nimble_pandas.storage.connection import RETRIES, Bucket, Connection, expires_at, system_authorities
from nimble_pandas.storage.readers import Unsuited

if TYPE_CHECKING:
    from obstore.store import GCSCredential

# aiohttp's, which gcsfs leaves as they are
_TIMEOUT_SECONDS = 300.0


def borrow(fs: Any, bucket: str) -> Bucket:  # noqa: ANN401 -- untyped
    """Return a bucket that is asked as gcsfs would ask it.

    Parameters
    ----------
    fs : gcsfs.GCSFileSystem
        The store, opened with the caller's options; its credentials stay in google-auth's care.
    bucket : str
        Its name.

    Returns
    -------
    Bucket
        The same bucket.

    Raises
    ------
    Unsuited
        An option cannot be said otherwise; nothing was sent.
    """
    for name in ("asynchronous", "requester_pays", "session_kwargs", "_use_client_cert"):
        if getattr(fs, name):
            raise Unsuited(f"{name.strip('_')}= was given")
    if not isinstance(fs.requests_timeout, int | float | None):
        raise Unsuited("requests_timeout= is no number")
    location = fs._location.rstrip("/")  # noqa: SLF001 -- gcsfs tells it nowhere else
    credentials = None if fs.credentials.credentials is None else _Credentials(fs)
    connection = Connection(
        url=f"{location}/{quote(bucket)}/",
        authorities=system_authorities(),
        connect_seconds=_TIMEOUT_SECONDS,
        read_seconds=fs.requests_timeout or _TIMEOUT_SECONDS,
    )
    lists = GCSStore(
        bucket,
        base_url=location,
        skip_signature=credentials is None,
        credential_provider=credentials,
        client_options=connection.for_obstore(),
        retry_config=RETRIES,
    )

    def sign(names: list[str]) -> Signed:
        headers = credentials.headers() if credentials else {}
        return Signed(
            [connection.url + quote(name, safe="/~") for name in names],
            [f"{header}: {value}" for header, value in headers.items()],
        )

    return Bucket(connection=connection, sign=sign, lists=lists)


class _Credentials:
    """Asks gcsfs for the token that it would send now; holds none."""

    def __init__(self, fs: Any) -> None:  # noqa: ANN401 -- untyped
        self._fs = fs
        # looked at once beforehand: the token is the only thing that obstore can send
        if {name.lower() for name in self.headers()} != {"authorization"}:
            raise Unsuited("its credentials send more than a token")

    def __call__(self) -> GCSCredential:
        """Return it in obstore's words, refreshed if need be."""
        (authorization,) = self.headers().values()
        return {"token": authorization.removeprefix("Bearer "), "expires_at": expires_at()}

    def headers(self) -> dict[str, str]:
        """Return what gcsfs would send now."""
        headers: dict[str, str] = {}
        self._fs.credentials.apply(headers)
        return headers
