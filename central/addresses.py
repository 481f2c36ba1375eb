"""Addresses of other services, which the register asks or tells something."""

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
