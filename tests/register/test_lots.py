"""A lot's balance: whatever is told and packed, its pieces are accounted for, or it says so."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Connection, Engine, text

from central import config as configuration
from central import db
from central.errors import Conflict, NotFound
from central.register.acts import By, Work
from central.register.articles.models import Disposition
from central.register.lots import service
from central.register.lots.balance import LotBalance, balance
from central.register.lots.models import (
    MovementKind,
    MovementSettlement,
    NewComponent,
    NewLot,
    NewMovement,
    Verdict,
)
from central.register.lots.rules import MOVES, STEPS, Lot, apply, judge
from tests.register.acting import Acting
from tests.support.examples import examples
from tests.support.register import Register
from tests.support.registry import PACKAGE

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
GONE = ("exported", "lost", "stolen", "demilitarised", "destroyed")
TERMS = ("packed", "sampled", "consumed", "destroyed", "reworked", "used", "lost")


# --- the rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "quantity", "verdict"),
    [
        ("filled", 10**9, "ok"),
        ("found", 10**9, "ok"),
        *((what, 100, "ok") for what in ("sampled", "destroyed", "reworked", "lost")),
        *((what, 101, "more-than-loose") for what in ("sampled", "destroyed", "lost")),
        *((what, 7, "ok") for what in ("consumed", "returned")),
        *((what, 8, "more-than-sampled") for what in ("consumed", "returned")),
    ],
)
def test_what_there_is_less_of_than_is_told(
    what: MovementKind, quantity: int, verdict: Verdict
) -> None:
    assert judge(what, quantity, loose=100, sampled=7) == verdict


def test_what_was_opened_was_its_package() -> None:
    assert judge("unpacked", 50, loose=0, sampled=0, faults=["", ""]) == "ok"
    assert judge("unpacked", 50, loose=0, sampled=0, faults=["", "unknown"]) == "not-its-packages"


def test_every_movement_leads_from_somewhere() -> None:
    assert MOVES.keys() == set(get_args(MovementKind))
    assert not MOVES.keys() & STEPS.keys()


def lot() -> Acting[Lot]:
    acting = Acting("lot", apply, key="FMJ/1")
    fields = NewLot(product="FMJ", number="1").model_dump(mode="json")
    acting.do("opened", fields | {"entity": "UMG"})
    return acting


def told(quantity: int, loose: int) -> dict[str, Any]:
    return {"quantity": quantity, "loose": loose, "sampled": 0, "packages": []}


def test_a_lot_is_in_dispute_until_each_of_its_faults_is_settled() -> None:
    acting = lot()
    assert acting.do("filled", told(5, 0)).flagged == 0
    assert acting.do("lost", told(6, 5)).flagged == 1
    assert acting.do("lost", told(1, -1)).flagged == 2
    for left, ends in ((1, True), (1, False), (0, True)):
        assert acting.do("settled", {"ends_dispute": ends}).flagged == left


def test_withdrawn_is_for_good() -> None:
    acting = lot()
    assert acting.do("suspended").state == "suspended"
    with pytest.raises(Conflict, match="is suspended"):
        acting.do("suspended")
    assert acting.do("released").state == "active"
    assert acting.do("withdrawn", reason="recalled").reason == "recalled"
    for what in ("suspended", "released", "withdrawn"):
        with pytest.raises(Conflict, match="is withdrawn"):
            acting.do(what)
    assert acting.do("destroyed", told(5, 5)).state == "withdrawn"
    with pytest.raises(NotFound):
        Acting("lot", apply).do("suspended")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"what": "filled"}, "quantity stands with"),
        ({"what": "filled", "quantity": 0}, "quantity"),
        ({"what": "unpacked", "packages": ["A"], "quantity": 1, "reason": "x"}, "quantity stands"),
        ({"what": "unpacked", "reason": "x"}, "packages stand"),
        ({"what": "unpacked", "packages": ["A", "A"], "reason": "x"}, "stands twice"),
        ({"what": "filled", "quantity": 1, "packages": ["A"]}, "packages stand"),
        ({"what": "reworked", "quantity": 1, "reason": "x"}, "into stands"),
        ({"what": "lost", "quantity": 1, "reason": "x", "into": "FMJ/2"}, "into stands"),
        ({"what": "lost", "quantity": 1}, "reason"),
    ],
)
def test_what_is_no_movement(body: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        NewMovement.model_validate({"number": "M-1", "happened": NOW, **body})


@pytest.mark.parametrize(
    "body",
    [
        {"lot": "FMJ/1", "maker": "Nitro", "number": "7"},
        {"lot": "FMJ/1", "country": "CZ"},
        {"maker": "Nitro"},
        {"number": "7"},
        {},
    ],
)
def test_a_component_is_a_lot_of_the_register_or_a_suppliers(body: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        NewComponent.model_validate({"role": "primer", **body})


# --- the property --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """With a product that is packed, an order of its lot, and a gateway that packs."""
    with Register.opened() as centre:
        centre.standard()
        fields = {"entity": "UMG", "model": "FMJ", "kind": "package"}
        more = {"components": [{"name": "package"}], "template": {"content": PACKAGE}}
        centre.post("/api/v1/products", {"code": "FMJ", **fields, **more})
        order = {"code": "F-1", "product": "FMJ", "quantity": 99, "contents": 50, "job": "J"}
        centre.post("/api/v1/orders", order | {"lot": "1", "gateways": ["gramsh.line-1"]})
        centre.sql(
            "INSERT INTO stream (id, gateway, epoch, head, previous_head, reason, opened)"
            " SELECT 1, 'gramsh.line-1', 1, z, z, '', now() FROM decode(repeat('00', 32), 'hex') z"
        )
        engine = db.owner_engine(configuration.load(centre.folder / "central.toml"))
        yield engine
        engine.dispose()


@dataclass
class Floor:
    """The register, told of one lot; beside it what was told, counted by itself."""

    connection: Connection
    counts: Counter[str] = field(default_factory=Counter)
    packages: list[dict[str, Any]] = field(default_factory=list)
    movements: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.work = Work(self.connection, By("test", "registry-officer"))
        for number in ("1", "2"):
            service.open_lot(self.work, NewLot(product="FMJ", number=number))

    def move(self, what: MovementKind, quantity: int) -> None:
        into = {"into": "FMJ/2"} if what == "reworked" else {}
        self._tell(what, quantity=quantity, **into)
        self.movements[-1] |= {"quantity": quantity}

    def unpack(self, which: int, fresh: int) -> None:
        """Packages by their place in the row; beyond its end there is none."""
        picked = sorted({which, fresh})
        uiis = [f"U{index}" for index in picked]
        mine = [
            package
            for package in self.packages
            if package["uii"] in uiis and self._may_be_opened(package)
        ]
        self._tell("unpacked", packages=uiis)
        self.movements[-1] |= {"opened": [package["uii"] for package in mine]}

    def _may_be_opened(self, package: dict[str, Any]) -> bool:
        there = package["disposition"] not in GONE
        return package["state"] == "good" and there and not self._is_open(package)

    def _is_open(self, package: dict[str, Any]) -> bool:
        return any(
            package["uii"] in movement.get("opened", ())
            for movement in self.movements
            if movement["stands"]
        )

    def _tell(self, what: MovementKind, **more: Any) -> None:
        number = f"M{len(self.movements)}"
        asked = {"number": number, "what": what, "happened": NOW, "reason": "x", **more}
        service.move(self.work, "FMJ/1", NewMovement.model_validate(asked))
        self.movements.append({"number": number, "what": what, "stands": True})

    def settle(self, which: int, stands: bool) -> None:
        if which >= len(self.movements):
            return
        movement = self.movements[which]
        asked = {"movement": movement["number"], "stands": stands, "reason": "x"}
        try:
            settlement = MovementSettlement.model_validate(asked)
            service.settle(self.work, "FMJ/1", settlement)
        except Conflict:
            assert movement["stands"] == stands
        movement["stands"] = stands

    def use(self, quantity: int) -> None:
        """In a third lot, as its component."""
        number = f"C{self.counts['used']}.{len(self.movements)}.{len(self.packages)}"
        part = NewComponent(role="round", lot="FMJ/1", quantity=quantity)
        self.counts["thirds"] += 1
        number = f"{number}.{self.counts['thirds']}"
        service.open_lot(self.work, NewLot(product="FMJ", number=number, components=(part,)))
        self.counts["used"] += quantity

    def pack(self, quantity: int | None, state: str, disposition: Disposition | None) -> None:
        """As ingest keeps it, and events."""
        index = len(self.packages)
        uii = f"U{index}"
        item = self.connection.execute(
            text(
                "INSERT INTO item (uii, component, elements, state, read_ok, remark, quarantined,"
                " duplicated, basis, order_code, serial, changed) VALUES (:uii, 'package', :uii,"
                " :state, true, false, false, false, '', 'F-1', :uii, 1) RETURNING id"
            ),
            {"uii": uii, "state": state},
        ).scalar_one()
        self.connection.execute(
            text(
                "INSERT INTO claim (stream, seq, position, item, batch, pos, order_code, fresh,"
                " quantity) VALUES (1, :seq, 1, :item, 1, :seq, 'F-1', true, :quantity)"
            ),
            {"seq": index, "item": item, "quantity": quantity},
        )
        if disposition is not None:
            self.connection.execute(
                text(
                    "INSERT INTO article (code, kind, disposition, holder, producer, product, lot,"
                    " disputed, since, version) VALUES (:uii, 'item', :disposition, 'UMG', 'UMG',"
                    " 'FMJ', '1', false, now(), 1)"
                ),
                {"uii": uii, "disposition": disposition},
            )
        pieces = 50 if quantity is None else quantity
        self.packages.append(
            {"uii": uii, "pieces": pieces, "state": state, "disposition": disposition}
        )

    def check(self) -> None:
        told = balance(self.connection, "FMJ/1")
        moved: Counter[str] = Counter()
        for movement in self.movements:
            if movement["stands"]:
                moved[movement["what"]] += movement.get("quantity", 0)
        packed = [
            package
            for package in self.packages
            if package["state"] in ("open", "marked", "good") and not self._is_open(package)
        ]
        for name in ("filled", "found", "consumed", "destroyed", "reworked", "lost"):
            assert getattr(told, name) == moved[name], name
        assert told.used == self.counts["used"]
        assert told.packed == sum(package["pieces"] for package in packed)
        places = {name for name in LotBalance.model_fields if name.startswith("packed_")}
        assert told.packed == sum(getattr(told, name) for name in places)
        exported = [each["pieces"] for each in packed if each["disposition"] == "exported"]
        assert told.packed_exported == sum(exported)
        # The law itself: each piece in one term, none less than nothing, or the lot says so.
        held = {name: getattr(told, name) for name in TERMS}
        assert min(held.values()) >= 0
        assert told.filled + told.found == told.loose + sum(held.values())
        assert told.short == max(0, -told.loose)
        flagged = self.connection.execute(
            text("SELECT count(*) FROM lot_movement WHERE verdict <> 'ok' AND settled IS NULL")
        ).scalar_one()
        assert told.disputed == flagged
        assert told.closes == (told.loose >= 0 and flagged == 0)


QUANTITIES = st.integers(1, 60)
KINDS = st.sampled_from([kind for kind in get_args(MovementKind) if kind != "unpacked"])
STEPS_TOLD = st.one_of(
    st.tuples(st.just("move"), KINDS, QUANTITIES),
    st.tuples(st.just("move"), st.just("filled"), st.integers(50, 200)),
    st.tuples(
        st.just("pack"),
        st.none() | st.integers(1, 50),
        st.sampled_from(["good", "good", "good", "marked", "open", "rejected", "voided"]),
        st.none() | st.sampled_from(get_args(Disposition)),
    ),
    st.tuples(st.just("unpack"), st.integers(0, 4), st.integers(0, 4)),
    st.tuples(st.just("use"), QUANTITIES),
    st.tuples(st.just("settle"), st.integers(0, 5), st.booleans()),
)


@pytest.mark.slow
@settings(max_examples=examples(0.6), suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS_TOLD, max_size=12))
def test_whatever_is_told_the_terms_account_for_what_was_filled(
    engine: Engine, steps: list[tuple[Any, ...]]
) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        floor = Floor(connection)
        for name, *arguments in steps:
            getattr(floor, name)(*arguments)
        floor.check()
        transaction.rollback()
