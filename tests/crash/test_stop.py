"""An orderly stop leaves no device armed: a foot on the pedal afterwards fires nothing."""

import pytest

from tests.crash.agreement import assert_agree, assert_balanced, balance, intents
from tests.crash.site import STATION, Kind, Site
from tests.support.central import Centre
from tests.support.wait import wait_for


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "people"),
    [
        # In compatible mode it cannot prove that its pedal fired nothing.
        ("panasonic-lp", ["voided"]),
        pytest.param("modbus-cell", [], marks=pytest.mark.long),
    ],
)
def test_a_stop_while_armed_disarms_and_journals_it(
    kind: Kind, people: list[str], centre: Centre
) -> None:
    with Site.enrolled(centre, f"stop.{kind}", kind, "pedal") as site:
        site.run()
        site.page.wait_permitted()
        site.page.sign_in()
        site.mark_good()  # a cell that has never marked can prove nothing
        site.parts.load(STATION)
        site.begin()
        wait_for("the device to be armed", lambda: site.armed)

        assert site.stop() == 0
        assert not site.press_pedal(), "it is armed and nobody is there"
        assert site.carried() == []

        site.run()
        assert site.see_to() == people, "nobody decides what the device has proved"
        assert len(intents(site)) == 2
        site.page.sign_in()
        site.mark_good()
        site.wait_delivered()
        states = assert_agree(site)
        assert states == {"voided": 1, "good": 2}
        assert_balanced(site, states, balance(centre))
