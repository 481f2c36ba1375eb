"""The table of desks: which subject of the interface has pages, and what its list shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from central.access.roles import Right
from central.alerts.words import facts, words
from central.register.alerts import rules as alerts
from central.register.consignments import rules as consignments
from central.register.inspections import rules as inspections
from central.register.licences import rules as licences
from central.register.lots import rules as lots
from central.register.orders import rules as orders
from central.register.proposals import rules as proposals
from central.register.sanctions import rules as sanctions
from central.register.stock import rules as counts
from central.screens import checking
from central.screens.checking import Check
from central.screens.desks import marking
from central.screens.desks import proposals as waiting
from central.screens.desks.description import Step
from central.screens.texts import Language, load

Item = Mapping[str, Any]
Notice = tuple[str, str]
"""A title, and what it means."""
Steps = Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Desk:
    """One subject. `path` is the same here and in the interface, and one of them lies below it by
    its `key`. `columns`: of a list's rows, the first leads to the page of one. `subject`: the word
    that its acts have. `entry`: where the interface tells it whole, when that is not `one`.
    `steps`: the register's own table of its life."""

    name: str
    path: str
    key: tuple[str, ...]
    right: Right
    columns: tuple[str, ...]
    subject: str = ""
    steps: Steps = field(default_factory=dict)
    entry: str = ""
    whole: tuple[str, ...] = ()
    """Of one, what is told at `entry` alone and stands on its page too."""
    marks: bool = False
    """Whether it says what is engraved, which is drawn on its page."""
    new: str = ""
    """Where one is entered, when that is not at `path`."""
    page: tuple[str, Right] | None = None
    """Where one is entered on a page of its own, by whom."""
    lists: tuple[str, ...] = ()
    """Of one, what of it is a list at an address below its own."""
    feminine: bool = False
    """In Albanian: its state is told so."""
    says: Callable[[Item, Language], Sequence[Notice]] | None = None
    """Of one, what it says to people."""
    titled: bool = False
    """Whether the first of that is its title: its key is a digest, which nobody reads."""
    read: Callable[[Item, Language], Item] | None = None
    """Of one, as people read it, where codes stand in it of which only its own part of the register
    has the words."""
    related: tuple[tuple[str, str], ...] = ()
    """Of one, other desks by name, each with the filter that holds its key there."""
    below: tuple[tuple[str, Right], ...] = ()
    """Of one, pages of their own at addresses below its own, and who may see them."""
    leads: Callable[[Item], str] | None = None
    """Where a row leads that has no page here."""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By filter, what it may be, where the interface takes any text."""
    order: str = ""
    """How its list is sorted here, where not as the interface does by itself."""
    paper: bool = False
    """Whether one of them is printed."""
    unprinted: tuple[str, ...] = ("reason",)
    """What is not said on paper: why it was last changed is for the page."""
    check: Callable[[Item, Language, str], Check | None] | None = None
    """How everybody learns whether a printed one is real; with how browsers reach this server."""
    preview: str = ""
    """Where the interface draws what a form would make, before it is made."""
    opens: bool = True
    """Whether there is a page of one."""
    offers: Callable[[str, Item], bool] | None = None
    """Of one, whether a step of it is for who looks, where that is not by their right alone."""
    proposals: str = ""
    """The kind of proposal that one of them may be about, by its key."""
    once: Mapping[str, str] = field(default_factory=dict)
    """By a field of its forms that is not asked for, the one beside it that says it too."""
    answers: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    """By step, the rows of its form that answer a list of the one, that list, and what of it is
    read."""
    scanned: Mapping[str, Callable[[Item], str]] = field(default_factory=dict)
    """By step, what of its answer a phone scans: an address below the register's. It is shown once,
    with the answer."""

    @property
    def one(self) -> str:
        """Its address in the interface."""
        return self.path + "".join(f"/{{{name}}}" for name in self.key)

    def lines(self, step: str, one: Item) -> dict[str, tuple[str, ...]]:
        """By rows of the step's form, what each of them answers."""
        if step not in self.answers:
            return {}
        rows, name, text = self.answers[step]
        return {rows: tuple(str(each[text]) for each in one.get(name, ()))}

    def asked(self, step: Step) -> Step:
        """As its form asks for it: what another field says too is not asked for."""
        names = step.body.get("properties", {})
        rest = {name: told for name, told in names.items() if self.once.get(name) not in names}
        return replace(step, body={**step.body, "properties": rest})

    def answered(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """What its form brought, and what was not asked for by what says it."""
        told = {name: sent[other] for name, other in self.once.items() if sent.get(other)}
        return {**sent, **told}

    def key_of(self, item: Item) -> str:
        return "/".join(str(item[name]) for name in self.key)

    def path_of(self, key: str) -> str:
        return f"{self.path}/{quote(key)}"

    def is_open_to(self, step: str, item: Item) -> bool:
        """Whether the register's table lets this step be taken in the state that it is in."""
        known = [self.steps[act] for act in ACTS.get(step, ()) if act in self.steps]
        if self.offers is not None and not self.offers(step, item):
            return False
        return all(item.get("state") in origins for origins, _ in known)


def _alert(item: Item, language: Language) -> list[Notice]:
    told = words(alerts.Alert.model_validate(item), language)
    return [(told.title, told.text)]


def _read_alert(item: Item, language: Language) -> Item:
    told = {name: value for name, value in item.items() if name != "opened"}  # an act's number
    return {**told, "facts": facts(alerts.Alert.model_validate(item), language)}


def _latches(item: Item, language: Language) -> list[Notice]:
    """What happened, what it means, and who can end it; each latch names what it is of after a
    colon."""
    d = load(language, "desks")
    found = []
    for latch in item["latches"]:
        code, _, of = latch.partition(":")
        title = d(code, "latch") + (f" ({of})" if of else "")
        found.append((title, f"{d(code, 'latch means')} {d(code, 'latch ends')}"))
    return found


def _enrolment(invitation: Item) -> str:
    """Opens the warehouse app with it; what stands behind the # is sent to no server."""
    return f"/warehouse/#enrol={invitation['gateway']},{invitation['code']}"


def _is_the_officers(step: str, licence: Item) -> bool:
    """Only the suspension that an officer imposed is taken back by one; there is one at a time."""
    if step not in ("suspend", "reinstate"):
        return True
    now = datetime.now(UTC)
    stands = any(
        not each["sanction"]
        and (each["until"] is None or datetime.fromisoformat(each["until"]) > now)
        for each in licence.get("suspensions", ())
    )
    return stands == (step == "reinstate")


def _is_no_binding(step: str, _: Item) -> bool:
    """An identity is bound on the account's own page, which knows whose sign-on it is of."""
    return step not in ("bind", "unbind")


ACTS: Mapping[str, tuple[str, ...]] = {
    "acknowledge": ("acknowledged",),
    "amend": ("amended",),
    "begin": ("begun",),
    "cancel": ("cancelled",),
    "close": ("closed",),
    "complete": ("completed",),
    "confirm": ("confirmed",),
    "deactivate": ("deactivated",),
    "decline": ("declined",),
    "disable": ("disabled",),
    "enable": ("enabled",),
    "end-receipt": ("receipt ended",),
    "find": ("found",),
    "hand-in": ("handed in",),
    "issue": ("issued",),
    "lift": ("lifted",),
    "limits": ("limits set",),
    "look-again": ("looked again",),
    "measures": ("measures ordered",),
    "open": ("opened",),
    "pause": ("paused",),
    "reactivate": ("reactivated",),
    "refuse": ("refused",),
    "reinstate": ("reinstated",),
    "release": ("released",),
    "renew": ("renewed",),
    "resolve": ("resolved", "differences resolved"),
    "resume": ("resumed",),
    "revoke": ("revoked",),
    "scan": ("scanned",),
    "suspend": ("suspended",),
    "withdraw": ("withdrawn",),
}
"""The acts that a step may be, by which the register's tables know it."""
_ACTIVE: Steps = {
    "deactivated": (("active",), "inactive"),
    "reactivated": (("inactive",), "active"),
}
_ACCOUNT: Steps = {
    "disabled": (("active",), "disabled"),
    "enabled": (("disabled",), "active"),
}
_IN_USE: Steps = {
    "withdrawn": (("active", "issued"), "withdrawn"),
    "reinstated": (("withdrawn",), "active"),
    "lifted": (("active",), "lifted"),
    "amended": (("active",), None),
}

_SUBJECTS = (
    *("account", "alert", "article", "block", "certificate", "consignment", "count", "device"),
    *("entity", "event", "exclusion", "gateway", "import", "inspection", "licence", "lot"),
    *("number", "order", "person", "place", "print", "product", "proposal", "register"),
    *("sanction", "scan", "screening", "sign-in", "space", "token", "unit-series"),
)
"""Of acts, each a name of `central.register.subject`."""

DESKS: tuple[Desk, ...] = (
    Desk(
        *("orders", "/orders", ("code",), Right.READ_ORDERS),
        ("code", "product", "model", "state", "quantity", "licence", "created"),
        subject="order",
        related=(("articles", "order"),),
        below=(("doubts", Right.SETTLE_DOUBTS),),
        feminine=True,
        paper=True,
        unprinted=(),
        steps=orders.STEPS,
        entry="/orders/{code}/entry",
        whole=marking.OF_AN_ORDER,
        read=marking.order_read,
        marks=True,
        lists=("first-pieces",),
    ),
    Desk(
        *("licences", "/licences", ("number",), Right.READ_SUBJECTS),
        ("number", "entity", "activities", "state", "obstacle", "valid_from", "valid_until"),
        subject="licence",
        related=(("orders", "licence"),),
        feminine=True,
        paper=True,
        check=checking.of_licence,
        steps=licences.STEPS,
        offers=_is_the_officers,
        proposals="licence-revocation",
    ),
    Desk(
        *("entities", "/entities", ("code",), Right.READ_SUBJECTS),
        ("code", "name", "kinds", "state", "ncage", "tax_number"),
        subject="entity",
        related=(
            *(("licences", "entity"), ("products", "entity"), ("places", "entity")),
            ("articles", "holder"),
        ),
        steps=_ACTIVE,
    ),
    Desk(
        *("places", "/places", ("code",), Right.READ_SUBJECTS),
        ("code", "name", "kind", "entity", "parent", "state", "gateway"),
        subject="place",
        related=(("stock", "place"), ("articles", "place"), ("counts", "place")),
        steps=_ACTIVE,
        paper=True,
    ),
    Desk(
        *("products", "/products", ("code",), Right.READ_SUBJECTS),
        ("code", "model", "calibre", "entity", "category", "nsn", "state"),
        subject="product",
        related=(("orders", "product"), ("certificates", "product"), ("articles", "product")),
        preview="/products/preview",
        read=marking.product_read,
        marks=True,
        steps=_IN_USE,
    ),
    Desk(
        *("certificates", "/certificates", ("number",), Right.READ_SUBJECTS),
        ("number", "kind", "product", "lot", "institution", "result", "state", "valid_until"),
        subject="certificate",
        feminine=True,
        paper=True,
        steps=_IN_USE,
    ),
    Desk(
        *("exclusions", "/exclusions", ("number",), Right.READ_EXCLUSIONS),
        ("number", "name", "kind", "ground", "state", "valid_from", "valid_until"),
        subject="exclusion",
        once={"basis": "legal_basis"},
        steps=_IN_USE,
        proposals="exclusion-amendment",
    ),
    Desk(
        *("screenings", "/screenings", ("entity", "exclusion"), Right.READ_EXCLUSIONS),
        ("entity", "entity_name", "exclusion", "exclusion_name", "state"),
        subject="screening",
        proposals="exclusion-by-name",
    ),
    Desk(
        *("inspections", "/inspections", ("number",), Right.READ_SUBJECTS),
        ("number", "entity", "site", "kind", "state", "planned_for", "ended"),
        subject="inspection",
        steps=inspections.STEPS,
        answers={"find": ("results", "checklist", "text")},
    ),
    Desk(
        *("sanctions", "/sanctions", ("number",), Right.READ_SUBJECTS),
        ("number", "entity", "kind", "state", "inspection", "amount", "currency"),
        subject="sanction",
        steps=sanctions.STEPS,
    ),
    Desk(
        *("consignments", "/consignments", ("number",), Right.READ_CONSIGNMENTS),
        ("number", "direction", "sender", "recipient", "state", "planned_arrival", "overdue"),
        subject="consignment",
        feminine=True,
        paper=True,
        steps=consignments.STEPS,
    ),
    Desk(
        *("stock", "/stock", ("kind", "product", "lot"), Right.READ_ITEMS),
        ("kind", "product", "model", "lot", "articles", "packed", "quantity", "disputed"),
        opens=False,
    ),
    Desk(
        *("lots", "/lots", ("code",), Right.READ_LOTS),
        ("code", "product", "number", "entity", "state", "disputed"),
        subject="lot",
        steps=lots.STEPS,
    ),
    Desk(
        *("counts", "/counts", ("number",), Right.READ_COUNTS),
        ("number", "place", "entity", "kind", "state", "due", "overdue"),
        subject="count",
        steps=counts.STEPS,
    ),
    Desk(
        *("proposals", "/proposals", ("number",), Right.READ_PROPOSALS),
        ("number", "kind", "key", "person", "state", "until"),
        subject="proposal",
        steps=proposals.STEPS,
        says=waiting.says,
        read=waiting.read,
        offers=waiting.offers,
    ),
    Desk(
        *("alerts", "/alerts", ("number",), Right.READ_ALERTS),
        ("rule", "subject", "severity", "state", "raised"),
        subject="alert",
        steps=alerts.STEPS,
        says=_alert,
        titled=True,
        read=_read_alert,
    ),
    Desk(
        *("gateways", "/gateways", ("name",), Right.READ_GATEWAYS),
        ("name", "link", "epoch", "latches", "waiting", "seen"),
        subject="gateway",
        feminine=True,
        new="/invitations",
        says=_latches,
        offers=lambda step, item: step != "settle-fork" or bool(item["disputes"]),
        proposals="fork-settlement",
        related=(
            *(("orders", "gateway"), ("places", "gateway")),
            *(("refusals", "gateway"), ("evidence", "gateway")),
        ),
    ),
    Desk(
        *("devices", "/devices", ("name",), Right.READ_DEVICES),
        ("name", "entity", "place", "state"),
        subject="device",
        feminine=True,
        steps=_ACTIVE,
        scanned={"invite": _enrolment},
    ),
    Desk(
        *("articles", "/articles", ("code",), Right.READ_ITEMS),
        ("code", "kind", "product", "serial", "disposition", "holder", "place", "disputed"),
    ),
    Desk(
        *("accounts", "/accounts", ("name",), Right.READ_ACCOUNTS),
        ("name", "person", "roles", "entity", "state"),
        subject="account",
        feminine=True,
        steps=_ACCOUNT,
        offers=_is_no_binding,
    ),
    Desk(
        *("imports", "/imports", ("number",), Right.READ_IMPORTS),
        ("number", "kind", "file", "state", "imported", "known", "refused", "created"),
        subject="import",
        page=("/uploads/imports", Right.IMPORT),
        lists=("refusals",),
    ),
    Desk(
        *("refusals", "/refusals", ("record",), Right.READ_EVIDENCE),
        ("record", "type", "code", "at", "resolved", "detail"),
        opens=False,
    ),
    Desk(
        *("waiting", "/waiting", ("record",), Right.READ_EVIDENCE),
        ("record", "of", "position", "heard"),
        opens=False,
    ),
    Desk(
        *("evidence", "/evidence", ("id",), Right.READ_EVIDENCE),
        ("id", "gateway", "received", "reason", "detail", "size", "sha256"),
        opens=False,
        leads=lambda item: f"/feed/evidence/{item['id']}/bytes",
    ),
    Desk(
        *("acts", "/acts", ("id",), Right.READ_ACTS),
        ("at", "subject", "key", "what", "account", "role", "reason"),
        order="-at",
        choices={"subject": _SUBJECTS},
    ),
)
BY_NAME: Mapping[str, Desk] = {desk.name: desk for desk in DESKS}
