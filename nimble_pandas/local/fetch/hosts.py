"""Addresses that no page lies behind: link-local ones, where clouds keep their machines' keys."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from nimble_pandas.local.fetch.page import PageUnavailableError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORBIDDEN = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local, RFC 3927; 169.254.169.254 hands out cloud credentials
        "fe80::/10",  # link-local, RFC 4291
        "fd00:ec2::/32",  # the metadata service of EC2 over IPv6
        "100.100.100.200/32",  # the metadata service of Alibaba Cloud
    )
)
# what those addresses are called where no name is looked up: behind a proxy
_FORBIDDEN_NAMES = frozenset(
    {"metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal"}
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


def refuse_forbidden(address: str) -> None:
    """Refuse an address that must not be asked.

    Parameters
    ----------
    address : str
        An IP address in any spelling, or a name that is known for one; any other name passes.

    Raises
    ------
    PageUnavailableError
        The address is link-local or a cloud's metadata service.
    """
    parsed = _parsed(address)
    known = address.rstrip(".").lower() in _FORBIDDEN_NAMES
    if known or (parsed is not None and any(parsed in network for network in _FORBIDDEN)):
        raise PageUnavailableError("forbidden_address", f"{address} is a link-local or metadata address")


async def resolve(host: str, port: int) -> list[str]:
    """Look up a name.

    Parameters
    ----------
    host : str
        A name or an address.
    port : int
        The port that will be connected to.

    Returns
    -------
    list of str
        Its addresses.

    Raises
    ------
    PageUnavailableError
        The name has none.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise PageUnavailableError("dns", f"the name {host!r} cannot be resolved: {exc}") from exc
    return [str(address[0]) for *_, address in found]


def _parsed(address: str) -> _Address | None:
    try:
        parsed: _Address = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return _loosely(address)
    return parsed if isinstance(parsed, ipaddress.IPv4Address) else _inner(parsed)


def _loosely(address: str) -> _Address | None:
    """Read an address as the system does, which takes decimal, hexadecimal and octal numbers."""
    try:
        return ipaddress.IPv4Address(socket.inet_aton(address.rstrip(".")))
    except (OSError, ValueError):
        return None


def _inner(parsed: ipaddress.IPv6Address) -> _Address:
    """Return the IPv4 address inside an IPv6 address, if that is what it stands for."""
    if inner := parsed.ipv4_mapped or parsed.sixtofour:
        return inner
    # also RFC 4291 section 2.5.5.1, the old way, whose first 96 bits are 0
    if parsed in _NAT64 or (int(parsed) >> 32 == 0 and int(parsed) > 1):
        return ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return parsed
