"""The comparison finds what it is there for: each kind of disagreement, planted one at a time."""

from collections.abc import Callable

import pytest

from gateway.contract.record import Repeat
from tests.central.scene import Scene
from tests.soak.account import Account, Item, Key, Metal, Place, Shot, Word, compare, words

A, B, C, D = "content of A", "content of B", "content of C", "content of D"
Spent = dict[str, Word]
Held = dict[Key, Item]
Change = Callable[[Metal, Spent, Held], object]


def word(name: str, did: str, settled: str = "") -> Word:
    return Word(name, "carton", 1, [Shot(did, settled)])


def scene() -> tuple[Metal, Spent, Held]:
    """Two cartons of one tray, one good and one set aside; a third number proved not started; a
    fourth that nobody knows of was marked again and lies on another tray.
    """
    metal = Metal()
    for content, place in ((A, (1, 1)), (B, (1, 2)), (D, (2, 1)), (D, (2, 1))):
        engrave(metal, content, place)
    spent = {
        A: word("A", "done"),
        B: word("B", "unknown", "accepted"),
        C: word("C", "not_started"),
        D: Word("D", "carton", 1, [Shot("done", "remark"), Shot("done")]),
    }
    held = {
        (name, "carton"): Item(state)
        for name, state in (("A", "good"), ("B", "rejected"), ("C", "voided"), ("D", "good"))
    }
    return metal, spent, held


def account_of(change: Change = lambda *_: None) -> Account:
    metal, spent, held = scene()
    change(metal, spent, held)
    return compare("line", metal, spent, held)


def test_what_agrees_is_counted() -> None:
    account = account_of()
    assert account.faults == []
    assert (account.engraved, account.marked_again) == (3, 1)
    assert (account.lost, account.doubled) == (0, 0)
    assert account.states == {"good": 2, "rejected": 1, "voided": 1}
    total = Account()
    total.add(account)
    total.add(account)
    assert (total.engraved, total.marked_again, total.states["good"]) == (6, 2, 4)


def engrave(metal: Metal, content: str, place: Place) -> None:
    metal.places.setdefault(content, []).append(place)
    metal.contents.setdefault(place, []).append(content)


def says(held: Held, name: str, state: str, *flags: str) -> None:
    held[name, "carton"] = Item(state, flags)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda metal, _s, _h: engrave(metal, A, (3, 1)), "doubled"),
        (lambda metal, _s, _h: engrave(metal, A, (1, 3)), "doubled"),
        (lambda metal, _s, _h: engrave(metal, A, (1, 1)), "doubled"),
        (lambda metal, _s, _h: engrave(metal, D, (2, 1)), "doubled"),
        (lambda metal, _s, _h: engrave(metal, C, (1, 2)), "marked over"),
        (lambda metal, _s, _h: metal.air.append(C), "no part there"),
        (lambda _m, spent, _h: spent.pop(A), "without an intent"),
        (lambda _m, _s, held: held.pop(("A", "carton")), "lost"),
        (lambda _m, _s, held: held.pop(("C", "carton")), "not in the register"),
        (lambda metal, _s, _h: (metal.places.pop(A), metal.contents.pop((1, 1))), "on no part"),
        (lambda _m, _s, held: says(held, "A", "voided"), "engraved, and the register"),
        (lambda _m, _s, held: says(held, "A", "marked"), "engraved, and the register"),
        (lambda _m, _s, held: says(held, "C", "unknown"), "on no part"),
        (lambda _m, spent, _h: spent.update({C: word("C", "")}), "on no part"),
        (lambda _m, _s, held: says(held, "A", "good", "duplicated"), "duplicated"),
        (lambda _m, _s, held: says(held, "E", "good"), "no journal spent"),
    ],
)
def test_what_does_not_agree_is_told(change: Change, told: str) -> None:
    account = account_of(change)
    assert told in " ".join(account.faults)
    assert account.doubled == (told in ("doubled", "marked over"))
    assert account.lost == (told in ("without an intent", "lost"))


def test_what_the_register_names_is_counted_apart() -> None:
    metal, spent, held = scene()
    engrave(metal, A, (3, 1))
    says(held, "A", "good", "duplicated")
    engrave(metal, "content of E", (4, 1))
    spent["content of E"] = word("E", "done")
    account = compare("line", metal, spent, held, {"A", "E"})
    assert account.faults == []
    assert (account.lost, account.doubled) == (0, 0)
    assert account.told == {"lost": 1, "doubled": 1}
    account = compare("line", metal, spent, held, {"A"})
    assert account.lost == 1


@pytest.mark.parametrize(
    ("did", "settled", "state"),
    [("unknown", "", "unknown"), ("unknown", "scrapped", "scrapped")],
)
def test_a_number_on_no_metal_that_the_journal_explains_is_no_fault(
    did: str, settled: str, state: str
) -> None:
    def change(_m: Metal, spent: Spent, held: Held) -> None:
        spent[C] = word("C", did, settled)
        says(held, "C", state)

    assert account_of(change).faults == []


@pytest.mark.parametrize(
    ("barrel", "faults"),
    [("scrapped", 0), (None, 0), ("good", 1), ("marked", 1)],
)
def test_a_piece_waits_for_the_others_of_its_number(barrel: str | None, faults: int) -> None:
    """The receiver of a number is no more than marked while a further piece is not good."""
    metal = Metal()
    spent = {A: Word("A", "receiver", 2, [Shot("done")])}
    held = {("A", "receiver"): Item("marked")}
    engrave(metal, A, (1, 1))
    if barrel is not None:
        engrave(metal, B, (2, 1))
        spent[B] = Word("A", "barrel", 2, [Shot("done")])
        held["A", "barrel"] = Item(barrel)
    found = compare("line", metal, spent, held)
    assert len(found.faults) == faults + (barrel == "marked")


def test_a_journals_last_word_on_each_number() -> None:
    scene = Scene()
    journal = scene.journal
    marks = [journal.mark(scene.plan, "G-1", number) for number in (1, 2, 3, 4)]
    done, stopped, _, voided = [journal.intent(mark) for mark in marks]
    journal.marked(done)
    journal.marked(stopped, "not_started")
    journal.marked(voided, "unknown")
    journal.settled(voided, "voided", "p-1", "p-2")
    found, twice = words(journal.records)
    assert twice == []
    assert [found[mark.content].explains for mark in marks] == ["", "voided", "", "voided"]
    assert found[marks[0].content].uii == marks[0].item.uii

    journal.intent(marks[0])
    _, twice = words(journal.records)
    assert twice == [f"the journal spends {marks[0].content!r} twice"]


@pytest.mark.parametrize(("how", "lawful"), [("remark", True), ("scrapped", False)])
def test_the_same_symbol_again_is_lawful_where_two_people_allowed_it(
    how: str, *, lawful: bool
) -> None:
    scene = Scene()
    journal = scene.journal
    mark = journal.mark(scene.plan, "G-1", 1)
    first = journal.intent(mark)
    journal.marked(first)
    journal.settled(first, how, "p-1", "p-2")
    again = journal.intent(mark.model_copy(update={"source": Repeat(of=journal.ref(first))}))
    journal.marked(again)
    found, twice = words(journal.records)
    assert bool(twice) is not lawful
    assert found[mark.content].most == 2
