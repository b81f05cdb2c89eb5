"""S3 as s3fs reads it: its request is looked at, not its options."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

import obstore
from botocore.httpsession import get_cert_path
from fsspec.asyn import sync
from obstore.store import S3Store

from nimble_pandas.storage.addresses import Signed
from nimble_pandas.storage.connection import RETRIES, Bucket, Connection, expires_at, system_authorities
from nimble_pandas.storage.readers import Unsuited

if TYPE_CHECKING:
    from obstore.store import S3Credential

# what obstore can say as botocore does, or what makes no difference to what is read
_KNOWN = frozenset(
    {
        "x-amz-checksum-mode",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-request-payer",
        "x-amz-security-token",
        # set by AWS Lambda, to find calls that go round in circles
        "x-amzn-trace-id",
    }
)

# clocks may be a quarter of an hour apart, as for any other request
_SIGNED_FOR = timedelta(minutes=20)

_SIGNATURE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d+/(?P<region>[^/]+)/s3/aws4_request, .*")


class _Looked(Exception):  # noqa: N818 -- no error: the request was seen, and goes no further
    """A request that is not sent."""

    def __init__(self, request: Any) -> None:  # noqa: ANN401 -- untyped
        super().__init__()
        self.request = request


def borrow(fs: Any, bucket: str) -> Bucket:  # noqa: ANN401 -- untyped
    """Return a bucket that is asked as s3fs would ask it.

    What s3fs would send for an object is made and looked at. So options, profile, environment and
    configuration files are read by botocore, which knows how, and the credentials stay in its care.

    Parameters
    ----------
    fs : s3fs.S3FileSystem
        The store, opened with the caller's options.
    bucket : str
        Its name.

    Returns
    -------
    Bucket
        The same bucket.

    Raises
    ------
    Unsuited
        Something in the request cannot be said otherwise; nothing was sent.
    """
    if fs.asynchronous:
        raise Unsuited("asynchronous= was given")
    # connected first: until then s3fs does not know whether it will do as it was told
    if fs.s3 and fs.cache_regions:
        raise Unsuited("cache_regions= was given")
    key = f"nimble-pandas-{uuid.uuid4().hex}"
    request = _request(fs, bucket, key)
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    unknown = {name for name in headers if name.startswith("x-amz")} - _KNOWN
    if unknown:
        raise Unsuited(f"its requests have the headers {', '.join(sorted(unknown))}")
    region = _region(headers.get("authorization"))
    connection = _connection(fs, request.url.removesuffix(key), headers.get("user-agent", ""))
    store = S3Store(
        bucket,
        **_place(request.url, bucket, key),
        region=region or "us-east-1",
        skip_signature=region is None,
        request_payer="x-amz-request-payer" in headers,
        unsigned_payload=False,
        s3_express=False,
        credential_provider=_Credentials(fs) if region else None,
        client_options=connection.for_obstore(),
        retry_config=RETRIES,
    )

    def sign(names: list[str]) -> Signed:
        if region is None:
            return Signed([connection.url + quote(name, safe="/~") for name in names], [])
        return Signed(obstore.sign(store, "GET", names, _SIGNED_FOR), [])

    # obstore would trust the system's authorities beside those that the caller names
    return Bucket(connection=connection, sign=sign, lists=store if _trusts_the_system(fs) else None)


def _request(fs: Any, bucket: str, key: str) -> Any:  # noqa: ANN401 -- untyped
    """Return the signed request for an object, which is not sent."""

    def look(request: Any, **_: object) -> None:  # noqa: ANN401 -- untyped
        # the connection may be shared with the caller's own code
        if key in request.url:
            raise _Looked(request)

    events = fs.s3.meta.events
    events.register("before-send.s3.GetObject", look)
    try:
        fs.call_s3("get_object", Bucket=bucket, Key=key)
    except _Looked as looked:
        return looked.request
    finally:
        events.unregister("before-send.s3.GetObject", look)
    raise Unsuited("its request could not be looked at")


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _place(url: str, bucket: str, key: str) -> dict[str, Any]:
    """Return where the bucket is, as botocore has made it out, in obstore's words."""
    parts = urlsplit(url)
    folder = unquote(parts.path).removesuffix(f"/{key}")
    if parts.query or folder == unquote(parts.path):
        raise Unsuited("its requests have a query")
    in_path = folder.removesuffix(f"/{bucket}")
    if folder and in_path == folder:
        raise Unsuited("its addresses name the bucket in a way of their own")
    endpoint = f"{parts.scheme}://{parts.netloc}{in_path}"
    return {
        "endpoint": endpoint,
        # or the variable of that name would come first
        "aws_endpoint_url_s3": endpoint,
        "virtual_hosted_style_request": not folder,
    }


def _region(authorization: str | None) -> str | None:
    if authorization is None:
        return None
    signed = _SIGNATURE.fullmatch(authorization)
    if signed is None:
        raise Unsuited("it signs in another way")
    return signed["region"]


def _connection(fs: Any, url: str, user_agent: str) -> Connection:  # noqa: ANN401 -- untyped
    http, config = fs.s3._endpoint.http_session, fs.s3.meta.config  # noqa: SLF001 -- botocore tells it nowhere else
    verify = http._verify  # noqa: SLF001 -- likewise
    if http._cert_file and url.startswith("https:"):  # noqa: SLF001 -- likewise
        raise Unsuited("client_cert= was given")
    if config.proxies_config:
        raise Unsuited("proxies_config= was given")
    return Connection(
        url=url,
        proxy=http._proxy_config.proxy_url_for(url),  # noqa: SLF001 -- likewise
        authorities=get_cert_path(verify) if verify else None,
        connect_seconds=_seconds(config.connect_timeout),
        read_seconds=_seconds(config.read_timeout),
        user_agent=user_agent,
    )


def _trusts_the_system(fs: Any) -> bool:  # noqa: ANN401 -- untyped
    verify = fs.s3._endpoint.http_session._verify  # noqa: SLF001 -- likewise
    return isinstance(verify, bool) or verify == system_authorities()


def _seconds(timeout: object) -> float:
    if not isinstance(timeout, int | float):
        raise Unsuited("connect_timeout= or read_timeout= is no number")
    return timeout


class _Credentials:
    """Asks s3fs for the credentials that it would sign with now; holds none."""

    def __init__(self, fs: Any) -> None:  # noqa: ANN401 -- untyped
        self._fs = fs

    def __call__(self) -> S3Credential:
        """Return them, refreshed if need be."""
        credentials = self._fs.s3._request_signer._credentials  # noqa: SLF001 -- botocore tells them nowhere else
        frozen = sync(self._fs.loop, credentials.get_frozen_credentials)
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": expires_at(),
        }
