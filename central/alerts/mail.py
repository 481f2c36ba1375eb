"""One alert to one address by SMTP."""

import smtplib
import ssl
import stat
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from central.alerts.words import words
from central.config import Mail
from central.errors import ConfigError
from central.register.alerts.rules import Alert

TIMEOUT_S = 20.0


def check(config: Mail) -> None:
    """Raises `ConfigError` where the password is missing, or others may read it."""
    _password(config)


def send(config: Mail, delivery: int, to: str, alert: Alert) -> str:
    """Returns what the server answered. Raises `OSError`, of which every failure of SMTP is one.

    Sent again after its answer was lost, it has the same Message-ID.
    """
    told = words(alert, config.language)
    message = EmailMessage()
    message["From"] = config.sender
    message["To"] = to
    message["Subject"] = f"[gjurma] {told.title}: {alert.subject}"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<alert-{delivery}-{alert.number}@{config.sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(told.body)
    with _connected(config) as server:
        server.send_message(message)
    return "accepted"


def _connected(config: Mail) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=None if config.ca is None else str(config.ca))
    where = (config.host, config.at_port)
    if config.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(*where, timeout=TIMEOUT_S)
    try:
        if config.security == "starttls":
            server.starttls(context=context)
        if config.username is not None:
            server.login(config.username, _password(config))
    except BaseException:
        server.close()
        raise
    return server


def _password(config: Mail) -> str:
    """Read each time, so that a new one is good at once. Raises `ConfigError`."""
    path = config.password_file
    if path is None:
        return ""
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{path}: others may read it; chmod 600")
    return text
