"""One centre for all the tests of this folder; each gateway is its own."""

from collections.abc import Callable, Iterator

import pytest

from tests.crash.site import Kind, Site, Start, seed
from tests.support.central import Centre


@pytest.fixture(scope="session")
def centre() -> Iterator[Centre]:
    with Centre.started() as started:
        seed(started)
        yield started


@pytest.fixture(scope="session")
def lasting_site(centre: Centre) -> Iterator[Callable[[Kind, Start], Site]]:
    """A site of that kind, made once: many cases one after another on one gateway."""
    made: dict[tuple[Kind, Start], Site] = {}

    def find(kind: Kind, start: Start) -> Site:
        if (kind, start) not in made:
            name = f"kill.{kind}-{start}"
            made[kind, start] = Site.enrolled(centre, name, kind, start)
        return made[kind, start]

    yield find
    for site in made.values():
        site.close()


@pytest.fixture
def sites(centre: Centre) -> Iterator[Callable[[str], Site]]:
    """Makes a site of its own for one test, and ends it."""
    made: list[Site] = []

    def make(gateway: str) -> Site:
        made.append(Site.enrolled(centre, gateway))
        return made[-1]

    yield make
    for site in made:
        site.close()
