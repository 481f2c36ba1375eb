"""What a simulation did to the register in memory leaves the same rows in PostgreSQL."""

from collections.abc import Iterator

import pytest

from tests.central.postgres import Store, database
from tests.central.tables import differences, of_database, of_register
from tests.simulation.simulate import simulate
from tests.simulation.twin import FIRST_INCARNATION, repeat, twin
from tests.simulation.world import World

pytestmark = pytest.mark.slow
SEEDS, LONG_SEEDS, CHUNK = 2, 30, 2


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with database() as made:
        yield made


@pytest.mark.parametrize(
    "first",
    [
        *range(0, SEEDS, CHUNK),
        *(pytest.param(n, marks=pytest.mark.long) for n in range(SEEDS, LONG_SEEDS, CHUNK)),
    ],
)
def test_the_real_store_ends_with_the_same_rows(url: str, first: int) -> None:
    for seed in range(first, first + CHUNK):
        assert not (told := twin(url, seed)), f"seed {seed}: {told}"


def test_a_message_that_only_one_of_them_heard_is_seen(url: str) -> None:
    worlds: list[World] = []
    assert not simulate(1, keep=worlds.append).fault
    centre = worlds[0].centre
    last = max(index for index, each in enumerate(centre.done) if each[0] == "records")
    with Store(url, centre.receipt_key, FIRST_INCARNATION, centre.keys) as store:
        repeat(centre.done[:last] + centre.done[last + 1 :], store)
        with store.connection.transaction():
            assert differences(of_register(centre.register), of_database(store.connection))
