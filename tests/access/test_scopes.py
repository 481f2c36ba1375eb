"""How far a right reaches: where an entity is missing, nowhere."""

import pytest

from central.access.roles import Right, Role
from central.access.tokens import Bearer
from central.errors import Forbidden


def test_a_role_of_an_entity_acts_for_that_one() -> None:
    by = Bearer("ana", Role.PRODUCER_OFFICER, "UMG").by(Right.READ_SUBJECTS)
    assert by.entity == "UMG"


def test_a_role_of_an_entity_without_one_sees_nothing_rather_than_all() -> None:
    with pytest.raises(Forbidden):
        Bearer("ana", Role.PRODUCER_OFFICER, None).by(Right.READ_SUBJECTS)


def test_a_right_that_reaches_all_is_bound_to_none() -> None:
    assert Bearer("ben", Role.AUDITOR, None).by(Right.READ_SUBJECTS).entity is None
