"""Whose requests the screen takes: its own page's, and no foreign page's.

A browser beside the line may open any page. Such a page must not press a button here (another
origin), nor reach the screen by a name of its own that leads to this machine (DNS rebinding).
Programs send neither Origin nor Sec-Fetch-Site and are served as before.
"""

import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Refusal:
    """Why a request is not served, with its HTTP status."""

    code: str
    status: int


def own_names() -> frozenset[str]:
    """Names by which this machine is reached without a configured one."""
    name = socket.gethostname().lower()
    return frozenset({"localhost", name, f"{name.partition('.')[0]}.local"})


def refusal(method: str, headers: Headers, hosts: frozenset[str]) -> Refusal | None:
    """Whether a request is refused. `hosts` are the names beside plain addresses, lower case."""
    host = headers.get("host", "")
    if not _is_ours(host, hosts):
        return Refusal("foreign-host", 421)
    if method in SAFE_METHODS:
        return None
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return Refusal("foreign-origin", 403)
    origin = headers.get("origin")
    if origin is not None:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or parts.netloc.lower() != host.lower():
            return Refusal("foreign-origin", 403)
    return None


def _is_ours(host: str, hosts: frozenset[str]) -> bool:
    """An address cannot be rebound; a name has to be known."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if not name:
        return False
    try:
        ip_address(name)
    except ValueError:
        return name.rstrip(".") in hosts
    return True


class Protection:
    """ASGI middleware: refuses foreign requests, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = own_names() | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        found = refusal(scope["method"], Headers(scope=scope), self._hosts)
        if found is None:
            await self._app(scope, receive, answer)
            return
        body = json.dumps({"code": found.code, "facts": {}}).encode()
        kind = (b"content-type", b"application/json")
        await answer(
            {"type": "http.response.start", "status": found.status, "headers": [kind]},
        )
        await answer({"type": "http.response.body", "body": body})
