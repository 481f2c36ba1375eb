"""What people sign for: no kill frees a station that waits, and no word that is sent twice is taken
twice; the register is told of both."""

from collections.abc import Callable

import pytest

from tests.crash.agreement import intents, register
from tests.crash.page import LEAD, OPERATOR, Declined
from tests.crash.site import STATION, Site
from tests.support.central import Centre
from tests.support.wait import wait_for

ASKS = {"mode": "each", "first_piece": "approved-by-second"}
SCRAPPED = "the mark is in the wrong place"


@pytest.mark.slow
def test_a_station_that_is_killed_comes_back_waiting_for_the_second_person(
    sites: Callable[..., Site], centre: Centre
) -> None:
    site = sites("first.piece", verify=ASKS)

    def seq() -> int:
        return int(site.page.view()["first"]["seq"])

    site.run(kill="cycle:after:RecordVerified:1")
    site.parts.load(STATION)
    site.begin()
    wait_for("the kill", site.died)
    for _ in range(2):  # of the one that recovers too
        site.run()
        site.page.wait_why_not("first-piece")
        site.page.wait_rest()  # until then the answer to the button is that it is busy
        site.parts.load(STATION)
        site.page.sign_in()
        with pytest.raises(Declined, match="first-piece"):
            site.page.begin()
        assert "first-piece" in site.page.view()["can"]
        site.kill()

    site.run()
    site.page.wait_why_not("first-piece")
    for person, code in ((OPERATOR, "no-shift-lead"), (LEAD, "no-reason")):
        with pytest.raises(Declined, match=code):
            site.page.say_of_first_piece(seq(), person, approves=person is OPERATOR)
    assert len(intents(site)) == 1
    former = seq()
    site.page.say_of_first_piece(former, LEAD, approves=False, reason=SCRAPPED)
    site.mark()
    site.page.wait_why_not("first-piece")
    with pytest.raises(Declined, match="other-first-piece"):  # it comes once more, and late
        site.page.say_of_first_piece(former, LEAD, approves=False, reason=SCRAPPED)
    piece = seq()
    site.page.say_of_first_piece(piece, LEAD, approves=True)
    site.kill()
    site.run()
    site.page.wait_permitted()
    with pytest.raises(Declined, match="no-first-piece"):
        site.page.say_of_first_piece(piece, LEAD, approves=True)
    site.mark_good()
    site.mark_good()

    counted = {"order": site.order_code, "good": 3, "aside": 0, "scrapped": 0}
    with pytest.raises(Declined, match="counts-differ"):
        site.page.end_shift(1, [counted], OPERATOR)
    counted["scrapped"] = 1
    with pytest.raises(Declined, match="not-of-shift"):
        site.page.end_shift(1, [counted, counted | {"order": "another"}], OPERATOR)
    record = site.page.end_shift(1, [counted], OPERATOR)
    site.kill()
    site.run()
    site.page.wait_permitted()
    with pytest.raises(Declined, match="other-shift"):
        site.page.end_shift(1, [counted], OPERATOR)
    view = site.page.view()
    assert view["shift"]["first"] == record + 1
    assert view["shift"]["orders"] == []
    assert [each["seq"] for each in view["shifts"]] == [record]
    site.page.sign_in()
    report = site.page.report(record, site.order_code)

    site.wait_delivered()
    told = centre.get(f"/api/v1/records/{site.gateway}/1/{record}")["entry"]
    assert (told["verdict"], told["operator"]) == ("ok", OPERATOR.code)
    assert told["says"]["shift"]["orders"][0]["states"] == {"good": 3, "scrapped": 1}
    assert told["evidence"]["own"] in report, "paper and register show the same head"
    first, second, *others = intents(site).values()
    assert register(site) == {first: "scrapped", second: "good"} | dict.fromkeys(others, "good")
    lives = {uii: centre.get(f"/api/v1/items/{uii}")["life"] for uii in (first, second)}
    refused, approved = (lives[uii][-1] for uii in (first, second))
    assert (refused["type"], refused["says"]["reason"]) == ("settled", SCRAPPED)
    assert (approved["type"], approved["says"]["latch"]) == ("unlatched", "first-piece")
    for told in (refused, approved):
        assert (told["verdict"], told["says"]["witnesses"]) == ("ok", [LEAD.code])
        assert (told["operator"], told["operator_auth"]) == (LEAD.code, "pin")
        assert told["evidence"]["signed"]
        assert told["evidence"]["chained"]
