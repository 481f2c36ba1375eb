"""Mail through a server that asks for TLS and a password, and what is refused before it starts."""

import smtplib
import ssl
from pathlib import Path

import pytest

from central.alerts import mail
from central.alerts.rules import judge
from central.config import Mail
from central.errors import ConfigError
from simulators import broker
from tests.alerts.servers import Post
from tests.alerts.test_rules import CASES, LIMITS, raised
from tests.e2e.certificates import Authority

ALERT = raised(judge(CASES, LIMITS)[0])


def configured(folder: Path, ca: Path | None) -> Mail:
    password = folder / "mail.password"
    password.touch(mode=0o600)
    password.write_text("a secret\n")
    return Mail(
        host="127.0.0.1",
        port=broker.free_port(),
        ca=ca,
        username="gjurma",
        password_file=password,
        sender="gjurma@register.example",
        to=("roje@register.example",),
    )


def test_by_starttls_and_with_a_password(tmp_path: Path) -> None:
    authority = Authority.new(tmp_path, "ca")
    certificate = authority.server("mail", "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.cert, certificate.key)
    config = configured(tmp_path, authority.ca)
    with Post.started(config.at_port, tls=context, login=("gjurma", "a secret")) as post:
        mail.check(config)
        for _ in range(2):
            mail.send(config, 7, config.to[0], ALERT)
        first, again = post.mails
        assert first["Message-ID"] == again["Message-ID"]
        assert str(first["Subject"]) == f"[gjurma] Një numër u shënjua dy herë: {ALERT.subject}"
        assert "përsëri" in first.get_content()

        unknown = config.model_copy(update={"ca": None})
        with pytest.raises(ssl.SSLCertVerificationError):
            mail.send(unknown, 8, config.to[0], ALERT)
        assert config.password_file is not None
        config.password_file.write_text("another\n")
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            mail.send(config, 9, config.to[0], ALERT)
        assert "another" not in str(refused.value), "what failed is kept and logged"
        assert len(post.mails) == 2


def test_a_password_that_others_may_read_is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path, None)
    assert config.password_file is not None
    config.password_file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        mail.check(config)
    config.password_file.unlink()
    with pytest.raises(ConfigError, match="No such file"):
        mail.check(config)
