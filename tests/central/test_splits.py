"""However a journal is cut into batches, repeated and overlapped, the register holds the same."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from central.ingest.facts import Evidence
from tests.central.scene import GATEWAY, Scene, plan
from tests.support.examples import examples

EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("intent"), st.integers(1, 6), st.sampled_from(["receiver", "barrel"])),
        st.tuples(st.just("foreign"), st.integers(200, 202)),
        st.tuples(
            st.just("marked"),
            st.integers(0, 9),
            st.sampled_from(["done", "unknown", "not_started"]),
        ),
        st.tuples(
            st.just("verified"),
            st.integers(0, 9),
            st.sampled_from(["good", "unreadable", "mismatch", "below_grade"]),
        ),
        st.tuples(
            st.just("settled"),
            st.integers(0, 9),
            st.sampled_from(["accepted", "remark", "scrapped", "voided", "read"]),
        ),
        st.tuples(st.just("repeat"), st.integers(0, 9), st.sampled_from(["receiver", "barrel"])),
        st.tuples(st.just("suspend"), st.integers(0, 1)),
        st.tuples(
            st.just("garbage"), st.binary(min_size=1, max_size=20).filter(lambda b: b"\n" not in b)
        ),
    ),
    max_size=25,
)


def write(scene: Scene, events: list[Any]) -> None:
    """A journal without sense: every order of records has to be survived."""
    journal = scene.journal
    intents: list[tuple[int, int]] = []
    version = 1
    for kind, *rest in events:
        if kind == "intent":
            intents.append((scene.intent(rest[0], rest[1]), rest[0]))
        elif kind == "foreign":
            intents.append((scene.intent(rest[0], "receiver"), rest[0]))
        elif kind == "garbage":
            journal.write_bytes(rest[0])
        elif kind == "suspend":
            version += 1
            state = ("released", "suspended")[rest[0]]
            scene.plan = plan(version, state=state, components=("receiver", "barrel"))
            scene.register.issue(scene.plan)
            journal.accept(scene.plan)
        elif intents:
            seq, number = intents[rest[0] % len(intents)]
            if kind == "marked":
                journal.marked(seq, rest[1])
            elif kind == "verified":
                journal.verified(seq, rest[1], content="x" if rest[1] == "mismatch" else None)
            elif kind == "settled":
                journal.settled(seq, rest[1], "p-1", "p-2")
            else:
                intents.append((scene.intent(number, rest[1], repeat=seq), number))


@settings(max_examples=examples(2))
@given(
    events=EVENTS,
    cuts=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.booleans()), max_size=20),
)
def test_any_split_gives_the_same_register(
    events: list[Any], cuts: list[tuple[int, int, bool]]
) -> None:
    whole, split = Scene(components=("receiver", "barrel")), Scene()
    write(whole, events)
    journal = whole.journal
    split.register.issue(whole.plan)
    split.register.held.plans.update(whole.register.held.plans)
    split.register.held.orders.update(whole.register.held.orders)
    split.register.streams[GATEWAY, 1] = whole.register.streams[GATEWAY, 1]
    split.register.heads[GATEWAY, 1] = dict(whole.register.heads[GATEWAY, 1])
    whole.send()

    def committed() -> int:
        return split.register.streams[GATEWAY, 1].committed

    for back, length, restart in cuts:
        if restart:
            journal.restart()
        first = max(1, committed() + 1 - back)
        last = min(journal.seq, first + length)
        if first <= last:
            split.register.receive(GATEWAY, journal.batch(first, last))
    if committed() < journal.seq:
        split.register.receive(GATEWAY, journal.batch(committed() + 1, journal.seq))
    assert committed() == journal.seq

    ours, theirs = whole.register, split.register
    assert not [e for e in theirs.evidence if isinstance(e, Evidence)]
    assert theirs.heads == ours.heads
    assert (theirs.rows, theirs.about) == (ours.rows, ours.about)
    assert theirs.held == ours.held


@settings(max_examples=examples(2))
@given(events=EVENTS)
def test_every_number_that_was_announced_has_an_item(events: list[Any]) -> None:
    scene = Scene(components=("receiver", "barrel"))
    write(scene, events)
    scene.send()
    announced = {number for (_, number), marks in scene.register.held.numbers.items() if marks}
    assert {item.number for item in scene.register.held.items.values()} >= announced
    assert len(scene.verdicts()) == scene.journal.seq
    for item in scene.register.held.items.values():
        siblings = [i for i in scene.register.held.items.values() if i.uii == item.uii]
        if item.state == "good":
            assert {i.component for i in siblings if i.state == "good"} == {"receiver", "barrel"}
