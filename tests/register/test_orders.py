"""An order's life: every step of the table, each that is not in it refused; marks at import."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from central.errors import Conflict, NotFound
from central.register.acts import Act
from central.register.orders.models import NewLimits, NewOrder, OrderState
from central.register.orders.rules import STEPS, Order, apply
from central.register.products.models import Import, NewProduct, filled
from gateway.contract.plan import Component, Template

AT = datetime(2026, 11, 26, tzinfo=UTC)
WHOLE: dict[str, Any] = {
    "code": "G-1",
    "product": "M70",
    "licence": "L-1",
    "kind": "serial",
    "quantity": 40,
    "contents": None,
    "lot": None,
    "job": "J",
    "template": {"content": "{serial}"},
    "components": [{"name": "receiver"}],
    "verify": {"mode": "each"},
    "expect": [],
    "tray": None,
    "members": [{"name": "gramsh.line-1"}, {"name": "gramsh.line-2", "reads": False}],
}
PAYLOADS: dict[str, dict[str, Any]] = {
    "drafted": WHOLE,
    "entered": WHOLE,
    "amended": WHOLE | {"quantity": 41},
    "limits set": {"gateway": "gramsh.line-1", "block_size": 20, "reserve": 5},
}
WAYS: dict[OrderState, tuple[str, ...]] = {
    "draft": (),
    "released": ("released",),
    "paused": ("released", "paused"),
    "completed": ("released", "completed"),
    "closed": ("released", "completed", "closed"),
    "cancelled": ("cancelled",),
}
LEADS = {
    ("draft", "amended"): "draft",
    ("draft", "released"): "released",
    ("draft", "cancelled"): "cancelled",
    ("released", "paused"): "paused",
    ("paused", "resumed"): "released",
    ("released", "completed"): "completed",
    ("paused", "completed"): "completed",
    ("completed", "closed"): "closed",
    ("draft", "limits set"): "draft",
    ("released", "limits set"): "released",
    ("paused", "limits set"): "paused",
    # As acts called it once.
    ("released", "held"): "paused",
    ("paused", "released"): "released",
}


def act(what: str, number: int = 1) -> Act:
    return Act(number, AT, "order", "G-1", what, PAYLOADS.get(what, {}), f"why {what}")


def after(first: str, *steps: str) -> Order:
    state = apply(None, act(first))
    for number, step in enumerate(steps, start=2):
        state = apply(state, act(step, number))
    return state


@pytest.mark.parametrize("what", ["drafted", "entered", *STEPS])
@pytest.mark.parametrize("state", get_args(OrderState))
def test_the_table_of_steps(state: OrderState, what: str) -> None:
    before = after("drafted", *WAYS[state])
    assert before.state == state
    target = LEADS.get((state, what))
    if target is None:
        with pytest.raises(Conflict):
            apply(before, act(what, 9))
        return
    order = apply(before, act(what, 9))
    assert (order.state, order.version, order.created) == (target, 9, AT)
    assert order.quantity == (41 if what == "amended" else 40)


def test_nothing_is_done_to_what_is_not_there() -> None:
    for what in STEPS:
        with pytest.raises(NotFound):
            apply(None, act(what))


def test_an_order_of_before_there_were_drafts_was_released_when_it_was_entered() -> None:
    assert after("entered").state == "released"
    assert after("entered", "held").state == "paused"
    assert after("entered", "held", "released").state == "released"
    carried = Order.model_validate(
        WHOLE | {"state": "held", "reason": "", "created": AT, "version": 1}
    )
    assert (carried.state, carried.imported) == ("paused", None)
    assert {(m.block_size, m.reserve) for m in carried.members} == {(None, None)}


def test_limits_are_one_gateways() -> None:
    members = {m.name: (m.block_size, m.reserve) for m in after("drafted", "limits set").members}
    assert members == {"gramsh.line-1": (20, 5), "gramsh.line-2": (None, None)}
    strange = Act(9, AT, "order", "G-1", "limits set", {"gateway": "x", "block_size": 1}, "")
    with pytest.raises(Conflict):
        apply(after("drafted"), strange)
    with pytest.raises(ValidationError):
        NewLimits(gateway="gramsh.line-1", block_size=3, reserve=4, reason="r")


# --- marks at import ----------------------------------------------------------------------------

CODE = "[)>\x1e06\x1d17VA7G1H\x1d1PM70\x1dS{serial}\x1e\x04"
IMPORT = Import(country="IT", year=2026)
MARKS = Template(content=CODE, lines=("IMP {import_country} {import_year}", "{serial}"))
PIECES = (Component(name="receiver"),)


def ordered(template: Template, **more: Any) -> list[str]:
    order = NewOrder.model_validate(
        {"code": "I-1", "product": "M70", "quantity": 5, "gateways": ["gramsh.line-1"], "job": "J"}
        | more
    )
    return order.faults("serial", template, PIECES, None)


def test_country_and_year_of_import_stand_beside_the_existing_mark() -> None:
    imported = {"country": "IT", "year": 2026}
    assert ordered(MARKS, imported=imported, expect=["8001234567890"]) == []
    assert ordered(MARKS, imported=imported | {"existing": "text"}) == []
    assert filled(MARKS, IMPORT).lines == ("IMP IT 2026", "{serial}")
    assert filled(MARKS, None) == MARKS


@pytest.mark.parametrize(
    ("template", "more", "fault"),
    [
        (MARKS, {}, "the order says imported"),
        (
            Template(content=CODE),
            {"imported": IMPORT, "expect": ["8001"]},
            "holds {import_country} and {import_year}",
        ),
        (
            Template(content=CODE, lines=("{import_country}",)),
            {"imported": IMPORT, "expect": ["8001234567890"]},
            "the template holds {import_year}",
        ),
        (MARKS, {"imported": IMPORT}, "expect lists the codes"),
        (
            MARKS,
            {"imported": IMPORT.model_copy(update={"existing": "text"}), "expect": ["8001"]},
            "expect stands with existing code",
        ),
    ],
)
def test_marks_at_import_that_would_be_missing(
    template: Template, more: dict[str, Any], fault: str
) -> None:
    (told,) = ordered(template, **more)
    assert fault in told


@pytest.mark.parametrize("wrong", [{"country": "it"}, {"country": "ITA"}, {"year": 26}])
def test_a_country_is_two_letters_and_a_year_four_digits(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Import.model_validate({"country": "IT", "year": 2026} | wrong)


def test_a_products_template_may_be_for_import() -> None:
    content = CODE.replace("S{serial}", "S{import_year}{serial}")
    lines = ("{import_country}",)
    product = NewProduct(
        code="M70",
        entity="UMG",
        model="M70",
        components=PIECES,
        template=Template(content=content, lines=lines),
    )
    assert product.template.content == content
