"""A real mail server and a real web server, which keep what comes in.

with Post.started(port) as post, Hooks.started() as hooks:
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword


@dataclass
class Post:
    """What a mail server took."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)

    @classmethod
    @contextmanager
    def started(
        cls, port: int, *, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
    ) -> Iterator["Post"]:
        """With `tls` by STARTTLS; with `login` nobody else is let in."""
        post = cls(port)
        more: dict[str, Any] = {}
        if login is not None:
            more = {"authenticator": _knows(*login), "auth_required": True}
        if tls is not None:
            more |= {"tls_context": tls, "require_starttls": True}
        controller = Controller(post, hostname="127.0.0.1", port=port, **more)
        controller.start()
        try:
            yield post
        finally:
            controller.stop()

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 taken"

    def told(self, alert: str) -> list[EmailMessage]:
        """Those about one alert."""
        return [mail for mail in self.mails if alert in str(mail["Message-ID"])]


def _knows(name: str, password: str) -> Any:
    def authenticate(*asked: Any) -> AuthResult:
        given = asked[4]
        good = given == LoginPassword(name.encode(), password.encode())
        return AuthResult(success=good, handled=False)

    return authenticate


@dataclass
class Hooks:
    """What a web server was told: (headers, body). It answers `status`."""

    port: int = 0
    status: int = 204
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @classmethod
    @contextmanager
    def started(cls) -> Iterator["Hooks"]:
        hooks = cls()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                hooks.calls.append((headers, body))
                self.send_response(hooks.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        hooks.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield hooks
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
