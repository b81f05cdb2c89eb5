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
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


def refuse_forbidden(address: str) -> None:
    """Refuse an address that must not be asked.

    Parameters
    ----------
    address : str
        An IP address; anything else passes.

    Raises
    ------
    PageUnavailableError
        The address is link-local or a cloud's metadata service.
    """
    parsed = _parsed(address)
    if parsed is not None and any(parsed in network for network in _FORBIDDEN):
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
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return parsed.ipv4_mapped
        if parsed in _NAT64:
            return ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return parsed
