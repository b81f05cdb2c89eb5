"""Google Cloud Storage as gcsfs reads it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from obstore.store import GCSStore

from nimble_pandas.storage.objects import RETRIES, connection, expires_at
from nimble_pandas.storage.readers import Unsuited

if TYPE_CHECKING:
    from obstore.store import GCSCredential

# aiohttp's, which gcsfs leaves as they are
_TIMEOUT_SECONDS = 300.0


def borrow(fs: Any, bucket: str) -> GCSStore:  # noqa: ANN401 -- untyped
    """Return a bucket that is asked as gcsfs would ask it.

    Parameters
    ----------
    fs : gcsfs.GCSFileSystem
        The store, opened with the caller's options; its credentials stay in google-auth's care.
    bucket : str
        Its name.

    Returns
    -------
    obstore.store.GCSStore
        The same bucket.

    Raises
    ------
    Unsuited
        An option cannot be said to obstore; nothing was sent.
    """
    for name in ("asynchronous", "requester_pays", "session_kwargs", "_use_client_cert"):
        if getattr(fs, name):
            raise Unsuited(f"{name.strip('_')}= was given")
    if not isinstance(fs.requests_timeout, int | float | None):
        raise Unsuited("requests_timeout= is no number")
    location = fs._location.rstrip("/")  # noqa: SLF001 -- gcsfs tells it nowhere else
    anonymous = fs.credentials.credentials is None
    return GCSStore(
        bucket,
        base_url=location,
        skip_signature=anonymous,
        credential_provider=None if anonymous else _Credentials(fs),
        client_options=connection(
            location, read_timeout=timedelta(seconds=fs.requests_timeout or _TIMEOUT_SECONDS)
        ),
        retry_config=RETRIES,
    )


class _Credentials:
    """Asks gcsfs for the token that it would send now; holds none."""

    def __init__(self, fs: Any) -> None:  # noqa: ANN401 -- untyped
        self._fs = fs
        # looked at once beforehand: the token is the only thing that obstore can send
        if {name.lower() for name in self._headers()} != {"authorization"}:
            raise Unsuited("its credentials send more than a token")

    def __call__(self) -> GCSCredential:
        """Return it, refreshed if need be."""
        (authorization,) = self._headers().values()
        return {"token": authorization.removeprefix("Bearer "), "expires_at": expires_at()}

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        self._fs.credentials.apply(headers)
        return headers
