"""One centre with a store for all of these tests; each takes devices of its own."""

from collections.abc import Callable, Iterator

import pytest

from simulators.scanner import Scanner
from tests.support.store import Store, opened


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("devices")) as made:
        yield made


@pytest.fixture
def device(store: Store) -> Callable[..., Scanner]:
    return store.device
