"""The diagrams of the register's subjects in the documentation are those of the code."""

import pytest

from tests.register.diagrams import DOCUMENT, SUBJECTS, begin, end, written


def test_the_documentation_shows_the_steps_as_they_are() -> None:
    document = DOCUMENT.read_text()
    assert written(document) == document, "python -m tests.register.diagrams --write"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_has_its_place(subject: str) -> None:
    document = DOCUMENT.read_text()
    assert document.count(begin(subject)) == document.count(end(subject)) == 1
