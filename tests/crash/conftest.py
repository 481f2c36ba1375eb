"""One centre for all the tests of this folder; each gateway is its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

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
    with ExitStack() as stack:

        @cache
        def find(kind: Kind, start: Start) -> Site:
            name = f"kill.{kind}-{start}"
            return stack.enter_context(Site.enrolled(centre, name, kind, start))

        yield find


@pytest.fixture
def sites(centre: Centre) -> Iterator[Callable[..., Site]]:
    """Makes a site of its own for one test, as `Site.enrolled` does, and ends it."""
    with ExitStack() as stack:
        yield lambda *asked, **more: stack.enter_context(Site.enrolled(centre, *asked, **more))
