"""What the records make of one item: pure steps from one state of a component to the next.

open ──► marked ──► good            good needs a matching read of every component required
  │        ├──────► rejected ──► (re-mark allowed) open
  ├──► unknown ───► any of the above, by reading or by two people's decision
  ├──► voided       not started, or declared void; a further component is then free for another
  └──► scrapped     the end
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

State = Literal["open", "marked", "good", "rejected", "unknown", "voided", "scrapped"]
Mode = Literal["each", "sample", "elsewhere", "eye"]
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
    """One more mark with the same number is allowed: by two people's decision on the same part,
    or, where the item is voided, because nothing was engraved."""
    quarantined: bool = False
    duplicated: bool = False
    basis: str = ""
    """Of good: read, sample, keyed, eye or accepted. `remark` while a second mark is under way."""
    readback: Mode = "each"
    """How the present mark is to be read back."""
    sample: str | None = None
    """The sample group that the present mark has joined."""

    @property
    def key(self) -> ItemKey:
        return (self.uii, self.component)

    @property
    def unread(self) -> bool:
        """Marked by the marker's word alone: what a sample may speak for."""
        return self.state == "marked" and not self.read_ok


@dataclass(frozen=True)
class Read:
    """A `verified`, as far as it counts for one item."""

    verdict: str
    entry: str
    names_component: bool
    """The symbol says which component it stands on, or needs not."""
    here: bool = True
    """At the station that made the mark."""
    own: bool = True
    """In the mark's own journal."""


def remarked(item: Item, readback: Mode) -> Item:
    """The permission is used up; the part is marked once more, or at last."""
    return replace(
        item,
        state="open",
        read_ok=False,
        remark=False,
        basis="" if item.state == "voided" else "remark",
        readback=readback,
        sample=None,
    )


def marked(item: Item, did: Literal["done", "not_started", "unknown"], *, repeat: bool) -> Item:
    """The marker's word. It adds nothing once the part was read or people have decided.

    `repeat`: the number lives on other metal, so a component left blank may be tried again.
    """
    if item.state not in ("open", "unknown") or item.read_ok:
        return item
    if did == "done":
        return replace(item, state="marked")
    if did == "unknown":
        return replace(item, state="unknown")
    if item.basis == "remark":  # the first mark is still on the part
        return replace(item, state="rejected", remark=True, basis="")
    return replace(item, state="voided", remark=repeat)


def verified(item: Item, read: Read) -> Item:
    """A read. A blank or a strange one of an unknown proves nothing: parts may be swapped."""
    unsure = item.state in ("open", "unknown")
    if item.state == "scrapped":
        return item
    if read.entry == "keyed" and unsure:
        return item
    if read.verdict == "good":
        return _read_good(item, read, unsure)
    if unsure and read.verdict != "below_grade":
        return item
    if item.state == "voided":
        return item
    return replace(item, state="rejected", read_ok=False, basis="")


def _read_good(item: Item, read: Read, unsure: bool) -> Item:
    if unsure and not read.names_component:
        return item
    if read.entry == "keyed" and not _may_be_keyed(item):
        return item
    # Another gateway's read may be heard before a re-mark that was lawful when it was made.
    remark = item.remark and not read.own
    if item.readback == "elsewhere" and read.here:
        if item.read_ok:
            return item
        return replace(item, state="marked", remark=remark, basis="")
    return replace(item, state="marked", read_ok=True, remark=remark, basis=_basis(read.entry))


def _may_be_keyed(item: Item) -> bool:
    """What somebody typed brings back no void number, and overrules no two people and no device."""
    if item.state == "voided" or item.remark:
        return False
    return not item.read_ok or item.basis == "sample"


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


def sampled(item: Item, *, good: bool) -> Item:
    """What the sample of its group says of a member that nobody has read."""
    if not item.unread:
        return item
    if good:
        return replace(item, read_ok=True, basis="sample")
    return replace(item, state="rejected")


def ready(item: Item) -> bool:
    """Whether the number's next component may be marked, as far as this one goes.

    Under `elsewhere` another gateway's bad read need not be known at the line yet.
    """
    if item.readback == "elsewhere" and item.state == "rejected":
        return True
    if item.state not in ("marked", "good"):
        return False
    return item.read_ok or item.readback in ("sample", "elsewhere")


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
