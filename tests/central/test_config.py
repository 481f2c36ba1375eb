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
