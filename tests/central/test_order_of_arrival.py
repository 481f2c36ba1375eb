"""Whichever stream is heard first, and however it is cut, the register concludes the same."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.central.memory import Register
from tests.central.scene import GATEWAY, OTHER
from tests.central.stories import MODES, SENDS, STEPS, Story

pytestmark = pytest.mark.slow

PART = st.tuples(
    st.sampled_from(["done", "done", "done", "unknown"]),
    st.booleans(),  # the last of its order
    st.sampled_from([None, None, "good", "unreadable"]),  # read by its own station
    st.sampled_from(
        [
            None,
            ("good", "device"),
            ("good", "keyed"),
            ("unreadable", "device"),
            ("mismatch", "device"),
            ("scrapped",),
            ("accepted",),
            ("voided",),
        ]
    ),
)
"""One part: what its own gateway says, and else what another gateway says of it."""


def tell(story: Story, parts: list[Any]) -> None:
    """Each part has one that judges it: what two say of one part has an order of its own."""
    for number, (did, last, own, other) in enumerate(parts):
        story.tell([("intent", 0, 1, "station-1", last), ("marked", number, did)])
        if own is not None:
            story.tell([("verified", 0, number, own, "device", "station-1")])
        elif other is not None and len(other) == 2:
            story.tell([("verified", 1, number, *other, "station-1")])
        elif other is not None:
            story.tell([("settled", 1, number, *other, ("p-1", "p-2"))])


def heard(story: Story, sends: list[Any]) -> Register:
    register = Register()
    for journal in story.lines:
        register.enrol(journal.gateway, journal.key.public)
    for payload in story.payloads():
        register.put_plan(payload)
    for gateway, payload in story.batches(sends):
        register.receive(gateway, payload)
    assert [register.streams[j.gateway, 1].committed for j in story.lines] == [
        journal.seq for journal in story.lines
    ]
    return register


@example(
    mode="sample",
    parts=[("done", False, None, None)] * 2 + [("done", False, None, ("good", "device"))],
    sends=[(1, 0, 9, False), (0, 0, 7, False)],
)
@example(
    mode="sample",
    parts=[("done", False, None, None)] * 2 + [("done", False, None, ("unreadable", "device"))],
    sends=[(1, 0, 9, False), *[(0, 0, 1, False)] * 8],
)
def the_first_stream_does_not_matter(mode: str, parts: list[Any], sends: list[Any]) -> None:
    story = Story(mode)
    tell(story, parts)
    ours, theirs = heard(story, []), heard(story, sends)
    assert ours.held.items == theirs.held.items
    assert ours.held.groups == theirs.held.groups
    assert ours.held.claims == theirs.held.claims
    assert ours.about == theirs.about
    assert ours.held.waiting == theirs.held.waiting == {}
    for gateway in (GATEWAY, OTHER):
        assert ours.open_refusals(gateway, 1) == theirs.open_refusals(gateway, 1) == []


def the_cuts_do_not_matter(mode: str, steps: list[Any], cuts: list[Any]) -> None:
    """Both journals whole, one after the other; and each cut into batches, in the same order."""
    story = Story(mode)
    story.tell(steps)
    cut = sorted(cuts, key=lambda send: send[0])
    first = [(0, 0, 10**6, False)]
    ours = heard(story, [])
    theirs = heard(story, [send for send in cut if send[0] == 0] + first + cut)
    assert ours.held == theirs.held
    assert ours.rows == theirs.rows
    assert ours.about == theirs.about


def the_invariants_hold(mode: str, steps: list[Any], sends: list[Any]) -> None:
    story = Story(mode)
    story.tell(steps)
    held = heard(story, sends).held
    for item in held.items.values():
        if item.state == "good":
            assert item.read_ok
            siblings = [i for i in held.items.values() if i.uii == item.uii]
            assert {i.component for i in siblings if i.state == "good"} == {"receiver", "barrel"}
        if item.basis == "sample":
            assert item.sample is not None
            assert held.groups[item.sample].state == "good"
        if item.read_ok:
            assert item.state in ("marked", "good")
    for group in held.groups.values():
        assert 1 <= group.size <= 3
        sizes = [i for i in held.items.values() if i.sample == group.id]
        assert len(sizes) <= group.size
        if group.state == "open":
            others = [
                g
                for g in held.groups.values()
                if g.state == "open"
                and (g.gateway, g.station, g.order) == (group.gateway, group.station, group.order)
            ]
            assert others == [group], "one at a time"
    for one in held.waiting.values():
        assert not one.heard or held.claims[one.of]


@pytest.mark.parametrize(
    ("promise", "drawn"),
    [
        (the_first_stream_does_not_matter, {"parts": st.lists(PART, max_size=8), "sends": SENDS}),
        (the_cuts_do_not_matter, {"steps": STEPS, "cuts": SENDS}),
        (the_invariants_hold, {"steps": STEPS, "sends": SENDS}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_order_of_arrival(promise: Callable[..., None], drawn: dict[str, Any]) -> None:
    given(mode=MODES, **drawn)(promise)()
