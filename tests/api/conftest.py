"""One centre for these tests, with a second entity beside the standard one."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.register import Register
from tests.support.registry import Registry

PRODUCT: dict[str, Any] = {
    "code": "P-1",
    "entity": "UMG",
    "model": "P",
    "components": [{"name": "receiver"}],
    "template": {"content": "[)>\x1e06\x1d17VA7G1H\x1d1PP\x1dS{serial}\x1e\x04"},
}


def two_entities(registry: Registry) -> None:
    registry.standard()
    registry.post("/api/v1/entities", {"code": "KMP", "name": "Kombinati Mekanik"})


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        two_entities(found)
        yield found
