"""Addresses of other services, which the register asks or tells something; and of who asks it."""

import ipaddress
from urllib.parse import urlsplit

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def is_safe(address: str) -> bool:
    """By TLS, or to this very machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    schemes = ("https", "http") if parts.hostname in _THIS_MACHINE else ("https",)
    return bool(parts.hostname) and parts.scheme in schemes


def network(address: str) -> str:
    """A household has a whole network of IPv6 addresses: its first half stands for it. An IPv4
    address is the same one, also where a socket for both kinds writes it as IPv6."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback:
        return ""
    return str(found) if found.version == 4 else found.exploded[:19]
