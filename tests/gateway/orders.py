"""The plan that a station on a bench works by."""

from gateway.contract.plan import Block, Component, Due, Plan
from tests.gateway import desk, records
from tests.gateway.bench import Setup

FOREIGN = range(50_001, 50_004)
"""Numbers that another gateway has opened, and whose second piece is to be marked here."""


def plan_for(setup: Setup) -> Plan:
    """The setup's order `o1`, and `o2`, whose parts are single and each read or judged."""
    pieces = tuple(Component(name=name, symbol=name.upper()) for name in setup.pieces)
    made = desk.plan(tray=setup.tray)
    first = made.orders[0]
    symbol = "\x1d20P{component}" if pieces else ""
    content = "[)>\x1e06\x1d18S7A720{serial}" + symbol + "\x1e\x04"
    template = first.template.model_copy(update={"content": content, "serial_digits": 8})
    verify = first.verify.model_copy(update={"mode": setup.mode, "every": setup.every})
    o1 = first.model_copy(
        update={
            "template": template,
            "components": pieces or first.components,
            "verify": verify,
        }
    )
    simple = verify.model_copy(update={"mode": "each" if setup.reader else "eye", "every": 1})
    o2 = first.model_copy(update={"id": "o2", "tray": None, "verify": simple})
    due = tuple(
        Due(do="mark", order="o1", number=n, component=name, of=records.ref(n, records.OTHER))
        for n in FOREIGN
        for name in setup.pieces[1:2]
    )
    blocks = (
        Block(id="b1", space="s1", start=1, end=setup.numbers, order="o1"),
        Block(id="b2", space="s1", start=20_001, end=30_000, order="o2"),
    )
    return made.model_copy(update={"orders": (o1, o2), "blocks": blocks, "due": due})
