"""central.toml and the key files: what is refused, all at once, and nothing connects."""

from pathlib import Path

import pytest

from central import config, keys
from central.__main__ import main
from central.errors import ConfigError

GOOD = """
[database]
url = "postgresql://gjurma@db.example/gjurma"
[broker]
url = "mqtts://broker.example"
ca = "ca.pem"
cert = "central.pem"
key = "central.key"
[keys]
dir = "keys"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "central.toml"
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    loaded = config.load(write(tmp_path, GOOD))
    assert loaded.keys.dir == tmp_path / "keys"
    assert loaded.broker.ca == tmp_path / "ca.pem"
    assert (loaded.broker.host, loaded.broker.port, loaded.broker.tls) == (
        "broker.example",
        8883,
        True,
    )
    assert loaded.http.listen == "127.0.0.1:8080"


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("postgresql://", "mysql://").replace("dir =", "folder =")
    with pytest.raises(ConfigError) as raised:
        config.load(write(tmp_path, text + '\n[http]\nlisten = "nowhere"\n[extra]\n'))
    told = str(raised.value)
    for place in ("database.url", "keys.dir", "keys.folder", "http.listen", "extra"):
        assert place in told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mqtts://broker.example", "tcp://broker.example"),
        ("mqtts://broker.example", "mqtts://me:secret@broker.example"),
        ("mqtts://", "mqtt://"),
        ('key = "central.key"', ""),
        ("[keys]", 'password_file = "p"\n[keys]'),
        ("[database]", "[database"),
    ],
)
def test_a_broker_that_cannot_be(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(ConfigError):
        config.load(write(tmp_path, GOOD.replace(old, new)))


def test_wrong_use_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--config", str(tmp_path / "none.toml")]) == 2
    assert "No such file" in capsys.readouterr().err
    with pytest.raises(SystemExit) as raised:
        main(["serve"])
    assert raised.value.code == 2


def test_keys_are_made_once_and_for_their_owner(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    keys.ensure(folder)
    first = {use: keys.load(folder, use).id for use in keys.USES}
    keys.ensure(folder)
    assert {use: keys.load(folder, use).id for use in keys.USES} == first
    assert (folder / "plan.key").stat().st_mode & 0o777 == 0o600
    published = keys.publish(folder)
    assert keys.load_public(folder) == published
    assert {key.use: key.id for key in published} == first


def test_a_key_that_others_may_read(tmp_path: Path) -> None:
    keys.ensure(tmp_path)
    (tmp_path / "plan.key").chmod(0o640)
    with pytest.raises(ConfigError, match="others may read it"):
        keys.load(tmp_path, "plan")


@pytest.mark.parametrize("text", ["", "abc", "00" * 31, "zz" * 32])
def test_a_file_that_is_no_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="not 32 bytes in hex"):
        keys.load(tmp_path, "plan")


def test_a_key_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'migrate' makes"):
        keys.load(tmp_path, "receipt")


ALERTS = """
[alerts.mail]
host = "mail.example"
username = "gjurma"
password_file = "mail.password"
sender = "gjurma@register.example"
to = ["duty@register.example"]
[[alerts.webhook]]
name = "ministry"
url = "https://alerts.example/gjurma"
[[alerts.escalation]]
after_minutes = 30
to = ["head@register.example"]
"""


def test_whom_alerts_are_sent_to(tmp_path: Path) -> None:
    alerts = config.load(write(tmp_path, GOOD + ALERTS)).alerts
    assert alerts.mail is not None
    assert (alerts.mail.at_port, alerts.mail.password_file) == (587, tmp_path / "mail.password")
    assert alerts.gateway_silent_minutes == 60
    assert config.load(write(tmp_path, GOOD)).alerts.mail is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("https://alerts", "http://alerts", "https://"),
        ("https://alerts", "https://me:secret@alerts", "no name"),
        ('host = "mail.example"', 'host = "mail.example"\nsecurity = "none"', "in the clear"),
        ('password_file = "mail.password"', "", "come together"),
        ("[[alerts.escalation]]", "[[alerts.escalation]]\nafter_minutes = 60\n" * 2, "TOML"),
        ("duty@register.example", "duty", "alerts.mail.to"),
        ("sender", "password", "alerts.mail.password"),
    ],
)
def test_what_alerts_cannot_be_sent_by(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        config.load(write(tmp_path, GOOD + ALERTS.replace(old, new)))


def test_escalations_need_mail_and_come_in_order(tmp_path: Path) -> None:
    later = '[[alerts.escalation]]\nafter_minutes = {}\nto = ["head@register.example"]\n'
    with pytest.raises(ConfigError, match="there is no mail"):
        config.load(write(tmp_path, GOOD + later.format(5)))
    with pytest.raises(ConfigError, match="in the order"):
        config.load(write(tmp_path, GOOD + ALERTS + later.format(30)))


@pytest.mark.parametrize(
    ("http", "fault"),
    [
        ('certificate = "c.pem"', "certificate and key come together"),
        ('certificate = "c.pem"\nkey = "c.key"\norigin = "http://a.example"', "origin: https"),
        ('origin = "https://a.example/path"', "http.origin"),
        ('origin = "a.example"', "http.origin"),
    ],
)
def test_how_browsers_come_is_consistent(tmp_path: Path, http: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        config.load(write(tmp_path, GOOD + f"[http]\n{http}\n"))


def test_browsers_come_by_tls_where_it_is_ours_or_a_proxys(tmp_path: Path) -> None:
    def told(http: str) -> tuple[bool, str]:
        found = config.load(write(tmp_path, GOOD + f"[http]\n{http}\n")).http
        return found.secure, found.address

    assert told("") == (False, "http://127.0.0.1:8080")
    assert told('origin = "https://a.example"') == (True, "https://a.example")
    own = 'certificate = "c.pem"\nkey = "c.key"\nlisten = "10.0.0.1:443"'
    assert told(own) == (True, "https://10.0.0.1:443")
    assert config.load(tmp_path / "central.toml").http.key == tmp_path / "c.key"


def test_a_role_that_needs_a_second_factor_is_one(tmp_path: Path) -> None:
    asked = GOOD + '[sign_in]\nsecond_factor = ["administrator", "boss"]\n'
    with pytest.raises(ConfigError, match=r"sign_in\.second_factor"):
        config.load(write(tmp_path, asked))
