"""A gateway's site on a temporary disk."""

from pathlib import Path

import pytest

from tests.gateway.desk import Site, new_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)
