"""One alert to one address by HTTP, signed as Standard Webhooks say (asymmetric, `v1a`).

webhook-id: alert-17            the same when it is sent again
webhook-timestamp: 1764140000   seconds; refuse what is older than some minutes
webhook-signature: v1a,<base64> Ed25519 over `<id>.<timestamp>.<body>`
"""

import base64
import http.client
import json
import ssl
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from central.alerts.words import words
from central.config import Webhook
from central.register.alerts.rules import Alert
from central.screens.texts import LANGUAGES
from gateway.contract.signed import SigningKey

TIMEOUT_S = 20.0
_MOST_READ = 2000


class NotTaken(OSError):
    """The other end answered, and not with success."""


def body(occasion: str, alert: Alert) -> bytes:
    """What is told: the alert as `/api/v1/alerts` shows it, and its texts."""
    texts = {language: words(alert, language) for language in LANGUAGES}
    told: dict[str, Any] = {
        "type": f"alert.{occasion}",
        "timestamp": datetime.now(UTC).isoformat(),
        "data": {
            **alert.model_dump(mode="json"),
            "texts": {
                language: {"title": each.title, "text": each.text}
                for language, each in texts.items()
            },
        },
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def headers(key: SigningKey, delivery: int, now: datetime, content: bytes) -> dict[str, str]:
    """The signature, and what it is of beside the content."""
    name, at = f"alert-{delivery}", str(int(now.timestamp()))
    signature = key.private.sign(f"{name}.{at}.".encode() + content)
    return {
        "webhook-id": name,
        "webhook-timestamp": at,
        "webhook-signature": f"v1a,{base64.b64encode(signature).decode()}",
    }


def send(config: Webhook, key: SigningKey, delivery: int, occasion: str, alert: Alert) -> str:
    """Returns what was answered. Raises `OSError` or `http.client.HTTPException`; no redirection
    is followed."""
    content = body(occasion, alert)
    parts = urlsplit(config.url)
    connection = _connection(config)
    try:
        connection.request(
            "POST",
            (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            content,
            {
                "Content-Type": "application/json",
                **headers(key, delivery, datetime.now(UTC), content),
            },
        )
        answer = connection.getresponse()
        answer.read(_MOST_READ)
    finally:
        connection.close()
    said = f"{answer.status} {answer.reason}"
    if not 200 <= answer.status < 300:
        raise NotTaken(said)
    return said


def _connection(config: Webhook) -> http.client.HTTPConnection:
    parts = urlsplit(config.url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
    context = ssl.create_default_context(cafile=None if config.ca is None else str(config.ca))
    return http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=context)
