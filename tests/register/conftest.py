"""A seeded centre and a running gateway, for the modules that watch what an act does at a line."""

from collections.abc import Iterator

import pytest

from tests.crash.site import Site, seed
from tests.support.central import Centre


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    """With a second entity; modules that need less start their own."""
    with Centre.started() as started:
        seed(started)
        started.post("/api/v1/entities", {"code": "KMX", "name": "Kombinati i provave"})
        yield started


@pytest.fixture(scope="module")
def site(centre: Centre) -> Iterator[Site]:
    """A gateway that runs and may mark, under the licence L-X of UMX."""
    with Site.enrolled(centre, "watched.line") as made:
        made.run()
        made.page.wait_permitted()
        yield made
