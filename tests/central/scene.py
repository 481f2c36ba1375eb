"""A small factory for tests of the rules: a register, one gateway's journal, and its plans."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.contract.batch import NO_HEAD
from gateway.contract.plan import Block, Component, Due, Plan, PlanOrder, Template, Verify
from gateway.contract.record import Readback
from gateway.contract.signed import SigningKey
from tests.central.memory import Register
from tests.support.peer import Journal
from tests.support.registry import TEMPLATE

GATEWAY = "gramsh.line-1"
OTHER = "gramsh.line-2"
SPACE = "UMG.M70"


def plan(version: int = 1, gateway: str = GATEWAY, **order: Any) -> Plan:
    """One released order G-1 with numbers 1 to 100; `order` overrides its fields."""
    lease: datetime = order.pop("lease_until", datetime.now(UTC) + timedelta(hours=72))
    start: int = order.pop("start", 1)
    names: tuple[str, ...] = order.pop("components", ("receiver",))
    due: tuple[Due, ...] | None = order.pop("due", None)
    fields: dict[str, Any] = {
        "id": "G-1",
        "product": "M70",
        "kind": "serial",
        "quantity": 100,
        "job": "JOB-1",
        "template": Template(content=TEMPLATE, lines=("{serial}",), serial_prefix="G"),
        "components": tuple(Component(name=name, symbol=name.upper()) for name in names),
        "verify": Verify(mode="each"),
        "state": "released",
    }
    one = PlanOrder.model_validate(fields | order)
    return Plan(
        gateway=gateway,
        epoch=1,
        incarnation=1790000000,
        version=version,
        lease_until=lease,
        orders=(one,),
        blocks=(Block(id=f"B{start}", space=SPACE, start=start, end=start + 99, order=one.id),),
        due=due,
    )


class Scene:
    """`plan` is in force, the journal holds `opened` and `accepted`."""

    def __init__(self, **order: Any) -> None:
        self.register = Register()
        self.plan = plan(**order)
        self.register.issue(self.plan)
        self.journal = self.line(GATEWAY)
        self.journal.opened()
        self.journal.accept(self.plan)

    def line(self, gateway: str) -> Journal:
        """Enrol a gateway; returns its empty journal."""
        key = SigningKey.new()
        self.register.enrol(gateway, key.public)
        return Journal(gateway, 1, NO_HEAD, key)

    def other(self, name: str = OTHER, start: int = 101, **order: Any) -> tuple[Journal, Plan]:
        """A second gateway, with numbers of its own of the same order."""
        same: dict[str, Any] = {
            "components": tuple(c.name for c in self.plan.orders[0].components),
            "verify": self.plan.orders[0].verify,
        }
        theirs = plan(gateway=name, start=start, **(same | order))
        self.register.issue(theirs)
        journal = self.line(name)
        journal.opened()
        journal.accept(theirs)
        return journal, theirs

    def intent(self, number: int, component: str | None = None, /, **mark: Any) -> int:
        """One mark of the plan's order."""
        return self.journal.intent(self.journal.mark(self.plan, "G-1", number, component, **mark))

    def done(self, number: int, /, station: str = "station-1", **mark: Any) -> int:
        """Marked, read back as the order says; returns the intent's seq."""
        verify = self.plan.orders[0].verify
        last: bool = mark.pop("last", False)
        mark.setdefault("readback", Readback(mode=verify.mode, every=verify.every, last=last))
        one = self.journal.mark(self.plan, "G-1", number, **mark)
        seq = self.journal.intent(one, station=station)
        self.journal.marked(seq, station=station)
        return seq

    def good(self, number: int, component: str | None = None, /, **mark: Any) -> int:
        """Marked and read back; returns the intent's seq."""
        seq = self.intent(number, component, **mark)
        self.journal.marked(seq)
        self.journal.verified(seq)
        return seq

    def send(self, journal: Journal | None = None) -> None:
        """Everything that is not committed, as one batch."""
        journal = journal or self.journal
        stream = self.register.streams[journal.gateway, journal.epoch]
        self.register.receive(journal.gateway, journal.batch(stream.committed + 1, journal.seq))

    def verdicts(self, journal: Journal | None = None) -> list[str]:
        journal = journal or self.journal
        name = (journal.gateway, journal.epoch)
        rows = sorted(self.register.rows.items())
        return [row.verdict for key, row in rows if key[:2] == name]

    def states(self, number: int) -> dict[str, str]:
        """State of each component of a number."""
        return {
            item.component: item.state
            for item in self.register.held.items.values()
            if item.number == number
        }

    def basis(self, number: int) -> str:
        """State and basis of a number that has one component."""
        (item,) = (i for i in self.register.held.items.values() if i.number == number)
        return f"{item.state} {item.basis}".strip()

    def groups(self) -> list[tuple[int, str]]:
        """(size, state) of the sample groups, oldest first."""
        return [(g.size, g.state) for g in self.register.held.groups.values()]

    def flags(self, number: int) -> set[str]:
        found = set()
        for item in self.register.held.items.values():
            if item.number == number:
                found |= {"quarantined"} if item.quarantined else set()
                found |= {"duplicated"} if item.duplicated else set()
        return found
