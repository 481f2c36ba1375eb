"""The two error roots have one shape, and every code belongs to one class."""

from collections import Counter

import drivers.errors
import gateway.contract.errors


def family(root: type[Exception]) -> list[type[Exception]]:
    found = [root]
    for child in root.__subclasses__():
        found += family(child)
    return found


DEVICE = family(drivers.errors.DeviceError)
OTHERS = family(gateway.contract.errors.GjurmaError)


def test_the_roots_are_strangers() -> None:
    assert not set(DEVICE) & set(OTHERS)


def test_both_know_the_same_ways_to_go_on() -> None:
    ours = {each.name: each.value for each in drivers.errors.Retry}
    assert ours == {each.name: each.value for each in gateway.contract.errors.Retry}


def test_every_class_has_a_code_of_its_own_and_a_retry() -> None:
    codes = Counter(each.__dict__.get("code") for each in (*DEVICE, *OTHERS))
    assert codes[None] == 0
    assert [code for code, count in codes.items() if count > 1] == []
    assert all(isinstance(each.__dict__.get("code"), str) for each in (*DEVICE, *OTHERS))
    assert {each.retry for each in DEVICE} <= set(drivers.errors.Retry)  # type: ignore[attr-defined]
    assert {each.retry for each in OTHERS} <= set(gateway.contract.errors.Retry)  # type: ignore[attr-defined]
