"""How a store is connected to, in the words of obstore, which lists, and of libcurl, which fetches."""

from __future__ import annotations

import math
import ssl
import urllib.parse
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pycurl
from requests.utils import DEFAULT_CA_BUNDLE_PATH

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

    from nimble_pandas.storage.addresses import Sign
    from nimble_pandas.storage.transfers import CurlOptions

# after so few attempts fsspec is asked, which has a patience of its own
RETRIES: RetryConfig = {"max_retries": 4, "retry_timeout": timedelta(seconds=20)}

# obstore asks for credentials anew five minutes before they end, hence once a minute
_CREDENTIALS_LAST = timedelta(minutes=6)

# where Python's own OpenSSL looks elsewhere, the system's certificates are here
_DEBIAN_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def system_authorities() -> str:
    """Return the file with the authorities that this system trusts, or those that requests brings along."""
    known = (ssl.get_default_verify_paths().cafile, _DEBIAN_BUNDLE)
    return next((path for path in known if path and Path(path).exists()), DEFAULT_CA_BUNDLE_PATH)


def expires_at() -> datetime:
    """Return until when credentials that fsspec's library looks after may be used unasked."""
    return datetime.now(UTC) + _CREDENTIALS_LAST


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How a store is connected to: just as fsspec would, whatever else the environment says.

    Parameters
    ----------
    url : str
        With which the addresses of a bucket's objects begin.
    authorities : str, optional
        A file, or a folder, of those whose word is taken for the server's name; nobody's is asked for if not
        given.
    proxy : str, optional
        Through which proxy; through none if not given.
    connect_seconds, read_seconds : float
        For how long a connection, and the next byte, are waited for.
    user_agent : str, default ""
        As whom.
    """

    url: str
    authorities: str | None
    # it may name a user, with a password
    proxy: str | None = field(default=None, repr=False)
    connect_seconds: float
    read_seconds: float
    user_agent: str = ""

    def for_obstore(self) -> ClientConfig:
        """Return it in obstore's words; nothing is left to the variables of the environment that it reads."""
        config: ClientConfig = {
            "allow_http": self.url.startswith("http://"),
            "allow_invalid_certificates": self.authorities is None,
            "connect_timeout": timedelta(seconds=self.connect_seconds),
            "read_timeout": timedelta(seconds=self.read_seconds),
            # of all attempts
            "timeout": timedelta(hours=1),
            # there is no other way to say "none"
            "proxy_url": self.proxy or self.url,
            "proxy_excludes": "" if self.proxy else urllib.parse.urlsplit(self.url).hostname or "",
        }
        if self.user_agent:
            config["user_agent"] = self.user_agent
        return config

    def for_curl(self) -> CurlOptions:
        """Return it in libcurl's words."""
        where = pycurl.CAPATH if Path(self.authorities or "").is_dir() else pycurl.CAINFO
        trusts = {where: self.authorities} if self.authorities else {}
        return {
            **trusts,
            pycurl.SSL_VERIFYPEER: 1 if self.authorities else 0,
            pycurl.SSL_VERIFYHOST: 2 if self.authorities else 0,
            # nothing given is "none", and not what the environment says
            pycurl.PROXY: self.proxy or "",
            pycurl.NOPROXY: "",
            pycurl.CONNECTTIMEOUT_MS: math.ceil(1000 * self.connect_seconds),
            # less than a byte a second
            pycurl.LOW_SPEED_LIMIT: 1,
            pycurl.LOW_SPEED_TIME: math.ceil(self.read_seconds),
            pycurl.USERAGENT: self.user_agent,
        }


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket, to be asked as fsspec would ask it.

    Parameters
    ----------
    connection : Connection
        How to get there.
    sign : Sign
        For its objects.
    lists : obstore.store.ObjectStore, optional
        The same bucket, to be listed; fsspec lists it if not given.
    """

    connection: Connection
    sign: Sign
    lists: ObjectStore | None = None
