"""Where settings come from: arguments, then the environment, then ``~/.netrc``."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from requests.utils import get_netrc_auth

from nimble_pandas.errors import ConfigError
from nimble_pandas.options import masked

#: The part of every address before ``/api/v1`` (endpoint table of the batch documentation).
DEFAULT_BASE_URL = "https://api.webit.live"

_API_PATH = "/api/v1"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

# what no name and no password can hold: control characters and halves of a surrogate pair
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


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

    def stripped(self) -> Credentials:
        """Return them without blanks and line breaks around; a password may begin or end with a blank."""
        return Credentials(
            username=self.username and self.username.strip(),
            password=self.password and self.password.strip("\r\n"),
            api_key=self.api_key and self.api_key.strip(),
        )

    def authorization(self) -> str:
        """Return the value of the ``Authorization`` header."""
        if self.api_key is not None:
            return f"Bearer {self.api_key}"
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def mask(self, text: str) -> str:
        """Return `text` without any of the secrets in it."""
        secrets = (self.authorization().partition(" ")[2], self.password, self.api_key)
        return masked(text, filter(None, secrets))


def resolve_base_url(base_url: str | None = None) -> str:
    """Return the address of the service.

    Parameters
    ----------
    base_url : str, optional
        The argument; ``NIMBLE_BASE_URL`` and then Nimble's own address if not given.

    Returns
    -------
    str
        As it goes over the wire, without a trailing slash and without ``/api/v1``.

    Raises
    ------
    ConfigError
        It is no http(s) URL, holds more than an address, or would send the key in the clear to another
        machine. It is not shown, for it may hold a password.
    """
    source = "base_url=" if base_url else "NIMBLE_BASE_URL"
    url, wrong, hint = _judged((base_url or os.environ.get("NIMBLE_BASE_URL") or DEFAULT_BASE_URL).strip())
    # tracebacks show local variables
    del base_url
    if url is None:
        raise ConfigError(f"{source} {wrong}.", hint=f"Nothing was sent. {hint}")
    return url


def _judged(given: str) -> tuple[str | None, str, str]:
    """Return an address as it goes over the wire, or None, what is wrong with it, and what to do."""
    example = f"Example: {DEFAULT_BASE_URL}"
    if re.search(r"[@?#\\\s]", given):
        wrong = "holds more than an address: a name or password, a query, or blanks"
        return None, wrong, f"{example}; credentials go in username=, password=."
    url = _prepared(given)
    if url is None:
        return None, "is no http(s) URL", example
    if url.startswith("http://") and not is_loopback(url):
        wrong = f"would send the key unencrypted to {urlsplit(url).hostname}"
        return None, wrong, "Use https://; plain http:// is for this machine only (127.0.0.1)."
    return url, "", ""


def _prepared(url: str) -> str | None:
    """Return a URL as the HTTP library spells it; None where it has no use for it."""
    try:
        parts = urlsplit(requests.Request("GET", url).prepare().url or "")
    except (requests.RequestException, ValueError):
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    netloc = parts.netloc.removesuffix(_DEFAULT_PORTS[parts.scheme])
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/').removesuffix(_API_PATH)}".rstrip("/")


def is_loopback(url: str) -> bool:
    """Say whether `url` is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def resolve_credentials(base_url: str, given: Credentials) -> Credentials:
    """Return the credentials for a service, from the first source that has them.

    Parameters
    ----------
    base_url : str
        The service, whose host is looked up in ``~/.netrc``.
    given : Credentials
        The arguments: a name and a password together, or a key, or nothing.

    Returns
    -------
    Credentials
        The arguments; ``NIMBLE_USERNAME`` and ``NIMBLE_PASSWORD``; ``NIMBLE_API_KEY``; ``~/.netrc``.

    Raises
    ------
    ConfigError
        No source has them, the arguments contradict each other, or they cannot be sent.
    """
    if given.api_key is not None and (given.username is not None or given.password is not None):
        raise ConfigError(
            "both api_key= and username=/password= are given.", hint="Nothing was sent. Give one."
        )
    if (given.username is None) != (given.password is None):
        raise ConfigError("username= and password= go together.", hint="Nothing was sent. Give both.")
    if given != Credentials():
        return _sendable(given)
    return _sendable(_from_environment() or _from_netrc(base_url) or _none_found(base_url))


def netrc_credentials(base_url: str) -> Credentials | None:
    """Return what ``~/.netrc`` holds for the host of `base_url`: the one source that names its host."""
    found = _from_netrc(base_url)
    return found and _sendable(found)


def _sendable(found: Credentials) -> Credentials:
    """Return credentials without the line break that a file or a shell left at their end.

    No secret is a local variable here, nor part of a message: tracebacks show both.
    """
    found = found.stripped()
    if found.api_key is not None and not re.fullmatch(r"[!-~]+", found.api_key):
        wrong = (
            "the API key is empty, or holds what no key holds: blanks, line breaks or letters beyond ASCII"
        )
    elif _UNSENDABLE.search(f"{found.username}{found.password}"):
        wrong = "the username or the password holds a line break or another control character"
    elif found.username is not None and (":" in found.username or not found.username):
        wrong = "the username is empty or holds a colon, which Basic authentication cannot send"
    else:
        return found
    raise ConfigError(f"{wrong}.", hint="Nothing was sent. Copy the credentials again.")


def _from_environment() -> Credentials | None:
    found = Credentials(
        username=os.environ.get("NIMBLE_USERNAME"), password=os.environ.get("NIMBLE_PASSWORD")
    ).stripped()
    if found.username and found.password:
        return found
    found = Credentials(api_key=os.environ.get("NIMBLE_API_KEY")).stripped()
    return found if found.api_key else None


def _from_netrc(base_url: str) -> Credentials | None:
    found = get_netrc_auth(base_url)
    return Credentials(username=str(found[0]), password=str(found[1])) if found else None


def _none_found(base_url: str) -> Credentials:
    raise ConfigError(
        f"no credentials for {urlsplit(base_url).hostname}: looked at the arguments username= and password= "
        "(or api_key=), the variables NIMBLE_USERNAME and NIMBLE_PASSWORD (or NIMBLE_API_KEY), and ~/.netrc.",
        hint="Nothing was sent. Set one of them, or try everything with no account: nimble-pandas demo",
    )
