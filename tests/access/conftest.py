"""One centre for these tests, with a second entity beside the standard one."""

from collections.abc import Iterator

import pytest

from tests.support.register import Register
from tests.support.registry import Registry


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        found.standard()
        found.post("/api/v1/entities", {"code": "KMP", "name": "Kombinati Mekanik"})
        yield found
