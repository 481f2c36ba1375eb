"""The comparison finds what it is there for: each kind of disagreement, planted one at a time."""

from collections.abc import Callable

import pytest

from tests.central.scene import Scene
from tests.crash.agreement import Metal
from tests.soak.account import Account, Item, Word, compare, words

A, B, C = "content of A", "content of B", "content of C"


def scene() -> tuple[Metal, dict[str, Word], dict[str, Item]]:
    """Two parts marked, one good and one set aside; a third number spent and proved not started."""
    metal = Metal(pieces={A: [1], B: [2]}, contents={1: [A], 2: [B]})
    spent = {
        A: Word("A", did="done"),
        B: Word("B", did="unknown", settled="accepted"),
        C: Word("C", did="not_started"),
    }
    held = {"A": Item("good"), "B": Item("rejected"), "C": Item("voided")}
    return metal, spent, held


def account_of(
    change: Callable[[Metal, dict[str, Word], dict[str, Item]], object] = lambda *_: None,
) -> Account:
    metal, spent, held = scene()
    change(metal, spent, held)
    return compare("line", metal, spent, held)


def test_what_agrees_is_counted() -> None:
    account = account_of()
    assert account.faults == []
    assert (account.engraved, account.lost, account.doubled) == (2, 0, 0)
    assert account.states == {"good": 1, "rejected": 1, "voided": 1}
    total = Account()
    total.add(account)
    total.add(account)
    assert (total.engraved, total.states["good"]) == (4, 2)


def engrave(metal: Metal, content: str, piece: int) -> None:
    metal.pieces.setdefault(content, []).append(piece)
    metal.contents.setdefault(piece, []).append(content)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda metal, _s, _h: engrave(metal, A, 3), "doubled"),
        (lambda metal, _s, _h: engrave(metal, A, 1), "doubled"),
        (lambda metal, _s, _h: engrave(metal, C, 1), "marked over"),
        (lambda metal, _s, _h: metal.air.append(C), "no part there"),
        (lambda _m, spent, _h: spent.pop(A), "without an intent"),
        (lambda _m, _s, held: held.pop("A"), "lost"),
        (lambda _m, _s, held: held.pop("C"), "not in the register"),
        (lambda metal, _s, _h: (metal.pieces.pop(A), metal.contents.pop(1)), "on no part"),
        (lambda _m, _s, held: held.update(A=Item("voided")), "engraved, and the register"),
        (lambda _m, _s, held: held.update(A=Item("marked")), "engraved, and the register"),
        (lambda _m, _s, held: held.update(C=Item("unknown")), "on no part"),
        (lambda _m, spent, _h: spent.update({C: Word("C")}), "on no part"),
        (lambda _m, _s, held: held.update(A=Item("good", ("duplicated",))), "duplicated"),
        (lambda _m, _s, held: held.update(D=Item("good")), "no journal spent"),
    ],
)
def test_what_does_not_agree_is_told(
    change: Callable[[Metal, dict[str, Word], dict[str, Item]], object], told: str
) -> None:
    account = account_of(change)
    assert told in " ".join(account.faults)
    assert account.doubled == (told in ("doubled", "marked over"))
    assert account.lost == (told in ("without an intent", "lost"))


def test_an_unknown_that_the_journal_tells_is_no_fault() -> None:
    def change(_m: Metal, spent: dict[str, Word], held: dict[str, Item]) -> None:
        spent[C] = Word("C", did="unknown")
        held["C"] = Item("unknown")

    assert account_of(change).faults == []


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
