"""Where settings come from: arguments, then the environment, then ``~/.netrc``."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from requests.utils import get_netrc_auth

from nimble_pandas.errors import ConfigError

#: The part of every address before ``/api/v1`` (endpoint table of the batch documentation).
DEFAULT_BASE_URL = "https://api.webit.live"

_API_PATH = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What proves who calls: an account's name and password, or a key.

    Parameters
    ----------
    username, password : str, optional
        For Basic authentication.
    api_key : str, optional
        For Bearer authentication.
    """

    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)

    def authorization(self) -> str:
        """Return the value of the ``Authorization`` header."""
        if self.api_key is not None:
            return f"Bearer {self.api_key}"
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def mask(self, text: str) -> str:
        """Return `text` without any of the secrets in it."""
        for secret in (self.authorization().partition(" ")[2], self.password, self.api_key):
            # as it is, as it stands inside JSON, and as it stands inside a URL
            for spelling in {secret, json.dumps(secret)[1:-1], quote(secret, safe="")} if secret else ():
                text = text.replace(spelling, "***")
        return text


def resolve_base_url(base_url: str | None = None) -> str:
    """Return the address of the service.

    Parameters
    ----------
    base_url : str, optional
        The argument; ``NIMBLE_BASE_URL`` and then Nimble's own address if not given.

    Returns
    -------
    str
        Without a trailing slash and without ``/api/v1``.

    Raises
    ------
    ConfigError
        It is no http(s) URL, or would send the key in the clear to another machine.
    """
    url = (base_url or os.environ.get("NIMBLE_BASE_URL") or DEFAULT_BASE_URL).rstrip("/")
    url = url.removesuffix(_API_PATH)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ConfigError(f"base_url={url!r} is no http(s) URL.", hint="Nothing was sent.")
    if parts.scheme == "http" and not is_loopback(url):
        raise ConfigError(
            f"base_url={url!r} would send the key unencrypted.",
            hint="Nothing was sent. Use https://; plain http:// is for this machine only (127.0.0.1).",
        )
    return url


def is_loopback(url: str) -> bool:
    """Say whether `url` is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def resolve_credentials(
    base_url: str,
    *,
    username: str | None = None,
    password: str | None = None,
    api_key: str | None = None,
) -> Credentials:
    """Return the credentials for a service, from the first source that has them.

    Parameters
    ----------
    base_url : str
        The service, whose host is looked up in ``~/.netrc``.
    username, password : str, optional
        The arguments, given together.
    api_key : str, optional
        The argument, instead of the other two.

    Returns
    -------
    Credentials
        The arguments; ``NIMBLE_USERNAME`` and ``NIMBLE_PASSWORD``; ``NIMBLE_API_KEY``; ``~/.netrc``.

    Raises
    ------
    ConfigError
        No source has them, or the arguments contradict each other.
    """
    if api_key is not None and (username is not None or password is not None):
        raise ConfigError(
            "both api_key= and username=/password= are given.", hint="Nothing was sent. Give one."
        )
    if (username is None) != (password is None):
        raise ConfigError("username= and password= go together.", hint="Nothing was sent. Give both.")
    if api_key is not None or username is not None:
        return Credentials(username=username, password=password, api_key=api_key)
    return _from_environment() or _from_netrc(base_url) or _none_found(base_url)


def _from_environment() -> Credentials | None:
    username, password = os.environ.get("NIMBLE_USERNAME"), os.environ.get("NIMBLE_PASSWORD")
    if username and password:
        return Credentials(username=username, password=password)
    api_key = os.environ.get("NIMBLE_API_KEY")
    return Credentials(api_key=api_key) if api_key else None


def _from_netrc(base_url: str) -> Credentials | None:
    found = get_netrc_auth(base_url)
    return Credentials(username=str(found[0]), password=str(found[1])) if found else None


def _none_found(base_url: str) -> Credentials:
    raise ConfigError(
        f"no credentials for {urlsplit(base_url).hostname}: looked at the arguments username= and password= "
        "(or api_key=), the variables NIMBLE_USERNAME and NIMBLE_PASSWORD (or NIMBLE_API_KEY), and ~/.netrc.",
        hint="Nothing was sent. Set one of them, or try everything with no account: nimble-pandas demo",
    )
