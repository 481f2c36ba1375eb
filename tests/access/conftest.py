"""One centre for these tests, with a second entity beside the standard one."""

from collections.abc import Iterator

import pytest

from tests.support.central import Centre


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    with Centre.started("serve") as found:
        found.standard()
        found.post("/api/v1/entities", {"code": "KMP", "name": "Kombinati Mekanik"})
        yield found
