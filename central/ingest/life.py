"""What the records make of one item: pure steps from one state of a component to the next.

open ──► marked ──► good            good needs a matching read of every component required
  │        ├──────► rejected ──► (re-mark allowed) open
  ├──► unknown ───► any of the above, by reading or by two people's decision
  ├──► voided       not started, or declared void
  └──► scrapped     the end
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

State = Literal["open", "marked", "good", "rejected", "unknown", "voided", "scrapped"]
ItemKey = tuple[str, str]
"""(UII, component)."""


@dataclass(frozen=True)
class Item:
    """One component that carries a number, as the register holds it."""

    uii: str
    component: str
    elements: str
    order: str
    space: str | None
    number: int | None
    serial: str
    state: State = "open"
    read_ok: bool = False
    """This component is good by itself; `good` waits for its siblings."""
    remark: bool = False
    """A decision allows one more mark with the same number on the same part."""
    quarantined: bool = False
    duplicated: bool = False
    basis: str = ""
    """Of good: read, keyed, eye or accepted. `remark` while a second mark is under way."""

    @property
    def key(self) -> ItemKey:
        return (self.uii, self.component)


def remarked(item: Item) -> Item:
    """The permission is used up; the part is being marked a second time."""
    return replace(item, state="open", read_ok=False, remark=False, basis="remark")


def marked(item: Item, did: Literal["done", "not_started", "unknown"]) -> Item:
    """The marker's word. It adds nothing once the part was read or people have decided."""
    if item.state not in ("open", "unknown") or item.read_ok:
        return item
    if did == "done":
        return replace(item, state="marked")
    if did == "unknown":
        return replace(item, state="unknown")
    if item.basis == "remark":  # the first mark is still on the part
        return replace(item, state="rejected", remark=True, basis="")
    return replace(item, state="voided")


def verified(item: Item, verdict: str, entry: str, *, names_component: bool) -> Item:
    """A read. `names_component`: the symbol says which component it stands on, or needs not.

    A blank or a strange read of an unknown proves nothing: the part may have been swapped.
    """
    unsure = item.state in ("open", "unknown")
    if item.state == "scrapped":
        return item
    if verdict == "good":
        if unsure and not names_component:
            return item
        return replace(item, state="marked", read_ok=True, remark=False, basis=_basis(entry))
    if unsure and verdict != "below_grade":
        return item
    if item.state == "voided":
        return item
    return replace(item, state="rejected", read_ok=False, basis="")


def settled(item: Item, how: str) -> Item:
    """People's decision, or `read`, which the `verified` before it has already carried out."""
    if item.state == "scrapped":
        return item
    if how == "accepted":
        return replace(item, state="marked", read_ok=True, remark=False, basis="accepted")
    if how == "remark":
        return replace(item, state="rejected", read_ok=False, remark=True, basis="")
    if how == "scrapped":
        return replace(item, state="scrapped", read_ok=False, remark=False, basis="")
    if how == "voided":
        return replace(item, state="voided", read_ok=False, remark=False, basis="")
    return item


def whole(rows: Mapping[str, Item], required: Iterable[str]) -> list[Item]:
    """The rows of one UII, by component, that become or cease to be good; only those changed."""
    complete = all(
        (row := rows.get(name)) is not None and row.read_ok and row.state in ("marked", "good")
        for name in required
    )
    changed = []
    for row in rows.values():
        if not row.read_ok:
            continue
        state: State = "good" if complete else "marked"
        if row.state in ("marked", "good") and row.state != state:
            changed.append(replace(row, state=state))
    return changed


def _basis(entry: str) -> str:
    return "read" if entry == "device" else entry
