"""The catalogue of drivers: the built-in ones, a third party's, and what is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers import catalog


def test_the_built_in_kinds() -> None:
    roles = {kind.name: kind.role for kind in catalog.kinds()}
    assert roles == {
        "camera": "reader",
        "cognex-dmcc": "reader",
        "gravotech-tl07": "marker",
        "honeywell": "reader",
        "keyence-md": "marker",
        "keyence-sr": "reader",
        "microscan": "reader",
        "modbus-cell": "marker",
        "panasonic-lp": "marker",
        "telesis": "marker",
        "zebra-ssi": "reader",
    }


@pytest.mark.parametrize(
    "name",
    [
        "camera",
        "cognex-dmcc",
        "gravotech-tl07",
        "honeywell",
        "keyence-md",
        "keyence-sr",
        "microscan",
        "modbus-cell",
        "panasonic-lp",
        "telesis",
        "zebra-ssi",
    ],
)
def test_every_kind_builds_by_its_defaults_and_refuses_unknown_options(name: str) -> None:
    kind = catalog.find(name)
    url = "http://127.0.0.1:9/" if name == "camera" else "tcp://127.0.0.1:9"
    kind.parse_url(url)
    device = kind.build(url, kind.options(), "device")
    assert hasattr(device, "arm" if kind.role == "marker" else "flush")
    with pytest.raises(ValidationError):
        kind.options.model_validate({"colour": "red"})
    with pytest.raises(ValueError, match=r"begin with|write"):
        kind.build("nonsense", kind.options(), "device")
    with pytest.raises(ValueError, match=r"begin with|write"):
        kind.parse_url("nonsense")


def test_an_unknown_kind_is_told_with_those_that_are_there() -> None:
    with pytest.raises(catalog.UnknownKindError, match="zebra-ssi"):
        catalog.find("toaster")


_PLUGIN = """
from pydantic import BaseModel, ConfigDict
from drivers.catalog import Kind
class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
class Loose(BaseModel):
    pass
def build(url, options, name):
    return url
GOOD = Kind("acme", "reader", Strict, build)
LOOSE = Kind("acme-loose", "reader", Loose, build)
OTHER = Kind("other", "reader", Strict, build)
"""
_ENTRIES = """[gjurma.drivers]
acme = acme_driver:GOOD
acme-loose = acme_driver:LOOSE
acme-other = acme_driver:OTHER
zebra-ssi = acme_driver:OTHER
"""


def test_a_third_party_adds_a_kind_by_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme_driver.py").write_text(_PLUGIN)
    info = tmp_path / "acme_driver-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-driver\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(_ENTRIES)
    monkeypatch.syspath_prepend(tmp_path)
    assert "acme" in catalog.names()
    assert catalog.find("acme").role == "reader"
    with pytest.raises(ImportError, match="unknown fields"):
        catalog.find("acme-loose")
    with pytest.raises(ImportError, match="of that name"):
        catalog.find("acme-other")
    assert catalog.find("zebra-ssi").build.__module__.startswith("drivers.")
