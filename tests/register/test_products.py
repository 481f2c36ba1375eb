"""Products by the pure rules: their steps, what may change, and what their marks would say."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from central.errors import Conflict, NotFound
from central.register.acts import Act
from central.register.products.models import (
    FIXED_BY_ORDERS,
    TRIAL_LOTS,
    NewProduct,
    ProductAmendment,
    lot_faults,
)
from central.register.products.preview import Would, preview
from central.register.products.service import Product, apply, construct_of

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
PISTOL = "[)>\x1e06\x1d17VA7G1H\x1d1PM70\x1dS{serial}\x1d20P{component}\x1e\x04"
CARTON = "[)>\x1e06\x1d17VA7G2H\x1d1T{lot}\x1dS{serial}\x1e\x04"
FIELDS: dict[str, Any] = {
    "code": "M70",
    "entity": "UMG",
    "model": "M70",
    "components": [{"name": "receiver", "symbol": "RC"}, {"name": "barrel", "symbol": "BL"}],
    "template": {"content": PISTOL, "lines": ["{serial} {component}"], "serial_prefix": "G"},
}
PACKED = FIELDS | {
    "code": "FMJ",
    "kind": "package",
    "lot_format": "mil-std-1168c",
    "components": [{"name": "carton"}],
    "template": {"content": CARTON, "lines": ["{lot} {serial}"]},
}


def act(number: int, what: str, payload: Mapping[str, Any] | None = None) -> Act:
    return Act(number, NOW, "product", "M70", what, payload or {}, f"reason {number}")


def entered(**more: Any) -> Product:
    fields = NewProduct.model_validate(FIELDS | more).model_dump(mode="json")
    return apply(None, act(1, "entered", fields | {"space": "UMG.M70"}))


def test_an_act_from_before_a_field_was_kept_gives_its_default() -> None:
    payload = {
        **{name: FIELDS[name] for name in FIELDS},
        "calibre": "",
        "kind": "serial",
        "space": "UMG.M70",
        "tray": None,
    }
    product = apply(None, act(1, "entered", payload))
    assert (product.nsn, product.category, product.country) == (None, None, None)
    assert (product.lot_format, product.state, product.reason) == ("free", "active", "")


def test_every_step() -> None:
    product = entered(nsn="1005591234567", category="ML1", country="AL")
    assert product.nsn == "1005-59-123-4567"
    assert (product.state, product.version, product.created) == ("active", 1, NOW)
    product = apply(product, act(2, "amended", {"calibre": "9x19", "nsn": None}))
    assert (product.calibre, product.nsn, product.version) == ("9x19", None, 2)
    product = apply(product, act(3, "withdrawn"))
    assert (product.state, product.reason, product.version) == ("withdrawn", "reason 3", 3)
    product = apply(product, act(4, "reinstated"))
    assert (product.state, product.reason) == ("active", "reason 4")


@pytest.mark.parametrize(
    ("before", "what"),
    [
        ((), "amended"),
        ((), "withdrawn"),
        ((), "reinstated"),
        (("entered",), "entered"),
        (("entered",), "reinstated"),
        (("entered", "withdrawn"), "withdrawn"),
        (("entered", "withdrawn"), "amended"),
        (("entered", "withdrawn", "reinstated"), "reinstated"),
    ],
)
def test_what_is_no_step(before: tuple[str, ...], what: str) -> None:
    product = entered() if before else None
    for number, step in enumerate(before[1:], start=2):
        product = apply(product, act(number, step))
    with pytest.raises((Conflict, NotFound)):
        apply(product, act(9, what))


def test_what_orders_fix_can_be_named_in_an_amendment() -> None:
    assert set(ProductAmendment.model_fields) > FIXED_BY_ORDERS


@pytest.mark.parametrize("body", [{}, {"model": None}, {"code": "X"}, {"nsn": "12"}])
def test_an_amendment_says_something_and_nothing_else(body: Any) -> None:
    with pytest.raises(ValidationError):
        ProductAmendment.model_validate(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nsn", "1005-59-123"),
        ("category", "ML23"),
        ("country", "ALB"),
        ("country", "al"),
        ("lot_format", "mil-std-1168b"),
        ("lot_format", "mil-std-1168c"),  # of serial pieces
        ("template", FIELDS["template"] | {"lines": ["{serail}"]}),
    ],
)
def test_what_no_product_is_entered_with(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        NewProduct.model_validate(FIELDS | {field: value})


@pytest.mark.parametrize(
    ("content", "construct"),
    [
        (PISTOL, 2),
        ("[)>\x1e06\x1d18SA7G1H{serial}\x1d20P{component}\x1e\x04", 1),
        ("[)>\x1e12\x1dCAG A7G1H\x1dSER {serial}\x1dPDT {component}\x1e\x04", 1),
        ("[)>\x1e12\x1dCAG A7G1H\x1dPNO M70\x1dSEQ {serial}\x1dPDT {component}\x1e\x04", 2),
        ("[)>\x1e06\x1d25SUN194532636{serial}\x1d20P{component}\x1e\x04", None),
        ("[)>\x1e05\x1d80040614141{serial}\x1d91{component}\x1e\x04", None),
    ],
)
def test_the_construct_follows_from_the_templates_identifiers(
    content: str, construct: int | None
) -> None:
    assert construct_of(entered(template={"content": content})) == construct


def test_lots_by_the_standard() -> None:
    assert lot_faults("package", "free", None) == []
    assert lot_faults("package", "mil-std-1168c", "XYZ07D006-004") == []
    assert "needs a lot" in lot_faults("package", "mil-std-1168c", None)[0]
    assert "character 6" in lot_faults("package", "mil-std-1168c", "XYZ07I006-004")[0]
    assert "stands for packages" in lot_faults("serial", "mil-std-1168c", "XYZ07D006-004")[0]
    assert lot_faults("package", "mil-std-1168c", TRIAL_LOTS["mil-std-1168c"]) == []


def would(product: Mapping[str, Any], **more: Any) -> Would:
    return Would.model_validate({"product": product, **more})


def test_a_preview_says_exactly_what_would_be_marked() -> None:
    told = preview(would(FIELDS, serial=7, quantity=3))
    assert told.faults == ()
    assert (told.lot, told.uii_construct) == (None, 2)
    assert [(mark.component, mark.number) for mark in told.marks] == [
        ("receiver", 7),
        ("receiver", 9),
        ("barrel", 7),
        ("barrel", 9),
    ]
    first = told.marks[0]
    assert first.content == "[)>\x1e06\x1d17VA7G1H\x1d1PM70\x1dSG000007\x1d20PRC\x1e\x04"
    assert first.shown == "[)>␞06␝17VA7G1H␝1PM70␝SG000007␝20PRC␞␄"
    assert first.uii == "DA7G1HM70G000007"
    assert first.elements == "06:17V=A7G1H,1P=M70,S=G000007"
    assert first.lines == ("G000007 RC",)
    assert told.marks[2].uii == first.uii


def test_a_preview_of_packages_takes_a_lot_or_one_of_the_right_form() -> None:
    told = preview(would(PACKED))
    assert (told.lot, told.faults) == ("AAA00A001-001", ())
    told = preview(would(PACKED, lot="KMP26L001-012"))
    assert told.marks[0].lines == ("KMP26L001-012 000001",)
    told = preview(would(PACKED, lot="KMP26I001-012"))
    assert "character 6" in told.faults[0]


def test_a_preview_of_imported_goods_takes_an_import_or_one_stands_in() -> None:
    template = FIELDS["template"] | {"lines": ["{import_country} {import_year} {serial}"]}
    told = preview(would(FIELDS | {"template": template}))
    assert (told.faults, told.marks[0].lines) == ((), ("AL 2000 G000001",))
    told = preview(would(FIELDS | {"template": template}, imported={"country": "IT", "year": 2026}))
    assert (told.faults, told.marks[0].lines) == ((), ("IT 2026 G000001",))
    told = preview(would(FIELDS, imported={"country": "IT", "year": 2026}))
    assert "imported goods" in told.faults[0]


def test_a_preview_tells_all_faults_at_once() -> None:
    bad = {
        "components": [{"name": "receiver", "symbol": "RC"}, {"name": "receiver", "symbol": "RC"}],
        "template": {"content": "{serial} {lott}", "serial_digits": 2},
        "lot_format": "mil-std-1168c",
    }
    told = preview(would(FIELDS | bad, lot="nonsense", quantity=100))
    for fault in (
        "{lott}: only {serial}",
        "template.content holds {component}",
        "a name of its own",
        "a symbol of its own",
        "stands for packages",
        "names no item",
        "has more digits than",
    ):
        assert any(fault in each for each in told.faults), (fault, told.faults)
    assert told.marks[0].uii is None
    assert told.marks[0].fault


def test_the_last_number_of_an_order_may_be_what_is_too_long() -> None:
    long = PISTOL.replace("M70", "M" * 31)
    template = {"content": long, "serial_digits": 13}
    assert preview(would(FIELDS | {"template": template})).faults == ()
    told = preview(would(FIELDS | {"template": template}, serial=10**13 - 1, quantity=2))
    assert any("51 characters" in fault for fault in told.faults)


@given(
    content=st.text(max_size=60),
    lines=st.lists(st.text(max_size=20), max_size=3),
    symbol=st.text(max_size=5),
    serial=st.integers(1, 10**15),
)
def test_a_product_is_entered_just_where_its_preview_finds_no_fault(
    content: str, lines: list[str], symbol: str, serial: int
) -> None:
    template = {"content": content, "lines": lines, "serial_digits": 18}
    fields = FIELDS | {"template": template, "components": [{"name": "x", "symbol": symbol}]}
    told = preview(would(fields))
    try:
        NewProduct.model_validate(fields)
    except ValidationError:
        assert told.faults
    else:
        assert told.faults == ()
    assert preview(would(fields, serial=serial)).marks[0].number == serial
