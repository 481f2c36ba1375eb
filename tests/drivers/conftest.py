"""Run the tests of the drivers on virtual time wherever their wires are in memory."""

from collections.abc import Iterator

import pytest

from tests.support.patient import PatientPolicy
from tests.support.virtual import VirtualLoop


@pytest.fixture(scope="package", autouse=True)
def _virtual_time() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PatientPolicy, "loop_class", VirtualLoop)
        yield
