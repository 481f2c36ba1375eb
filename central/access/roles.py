"""The one table of who may do what, and the words that it is made of."""

from collections.abc import Mapping
from enum import StrEnum

from central.said import Said, Word, said


class Role(StrEnum):
    """What an account may be. Those of a producer or a store act for their own entity only."""

    OPERATOR = "operator"
    SHIFT_LEAD = "shift-lead"
    WAREHOUSE = "warehouse"
    PRODUCER_OFFICER = "producer-officer"
    REGISTRY_OFFICER = "registry-officer"
    INSPECTOR = "inspector"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


OF_AN_ENTITY = frozenset({Role.OPERATOR, Role.SHIFT_LEAD, Role.WAREHOUSE, Role.PRODUCER_OFFICER})
"""Roles that are somebody's only within an entity."""


class Right(StrEnum):
    """What an endpoint needs."""

    CHANGE_OWN_PASSWORD = "password.change"  # noqa: S105 - a right, and no password
    READ_ACCOUNTS = "accounts.read"
    CHANGE_ACCOUNTS = "accounts.change"
    READ_ACTS = "acts.read"
    READ_SUBJECTS = "subjects.read"
    CHANGE_ENTITIES = "entities.change"
    CHANGE_PLACES = "places.change"
    APPLY_LICENCES = "licences.apply"
    READ_EXCLUSIONS = "exclusions.read"
    CHANGE_EXCLUSIONS = "exclusions.change"
    DECIDE_SCREENINGS = "screenings.decide"
    DECIDE_LICENCES = "licences.decide"
    INSPECT = "inspections.change"
    IMPOSE_SANCTIONS = "sanctions.impose"
    CHANGE_PRODUCTS = "products.change"
    WITHDRAW_PRODUCTS = "products.withdraw"
    CERTIFY = "certificates.issue"
    APPROVE_TYPES = "approvals.decide"
    READ_ORDERS = "orders.read"
    DRAFT_ORDERS = "orders.draft"
    CHANGE_ORDERS = "orders.change"
    READ_BALANCES = "balances.read"
    SETTLE_DOUBTS = "doubts.settle"
    INVITE_GATEWAYS = "gateways.invite"
    READ_DEVICES = "devices.read"
    CHANGE_DEVICES = "devices.change"
    REACTIVATE_DEVICES = "devices.reactivate"
    CHANGE_PEOPLE = "people.change"
    READ_ITEMS = "items.read"
    REPORT_EVENTS = "events.report"
    SETTLE_ARTICLES = "articles.settle"
    ALLOCATE_UNITS = "units.allocate"
    PRINT_LABELS = "labels.print"
    READ_LOTS = "lots.read"
    OPEN_LOTS = "lots.open"
    REPORT_LOTS = "lots.report"
    SUSPEND_LOTS = "lots.suspend"
    DECIDE_LOTS = "lots.decide"
    READ_CONSIGNMENTS = "consignments.read"
    REPORT_CONSIGNMENTS = "consignments.report"
    RESOLVE_CONSIGNMENTS = "consignments.resolve"
    READ_COUNTS = "counts.read"
    PLAN_COUNTS = "counts.plan"
    COUNT = "counts.tally"
    RESOLVE_COUNTS = "counts.resolve"
    READ_IMPORTS = "imports.read"
    IMPORT = "imports.make"
    READ_GATEWAYS = "gateways.read"
    READ_EVIDENCE = "evidence.read"
    READ_ALERTS = "alerts.read"
    HANDLE_ALERTS = "alerts.handle"
    READ_PROPOSALS = "proposals.read"
    DECIDE_PROPOSALS = "proposals.decide"


class Scope(StrEnum):
    """How far a right reaches."""

    ALL = "all"
    OWN = "own"


_OFFICER = Role.REGISTRY_OFFICER
_SEE_ALL = dict.fromkeys((_OFFICER, Role.INSPECTOR, Role.AUDITOR), Scope.ALL)
_SEE_OWN = dict.fromkeys(OF_AN_ENTITY, Scope.OWN)
_COUNTING = {
    _OFFICER: Scope.ALL,
    Role.INSPECTOR: Scope.ALL,
    Role.WAREHOUSE: Scope.OWN,
    Role.PRODUCER_OFFICER: Scope.OWN,
}

RIGHTS: Mapping[Right, Mapping[Role, Scope]] = {
    Right.CHANGE_OWN_PASSWORD: dict.fromkeys(Role, Scope.ALL) | _SEE_OWN,
    Right.READ_ACCOUNTS: dict.fromkeys((Role.ADMINISTRATOR, Role.AUDITOR), Scope.ALL),
    Right.CHANGE_ACCOUNTS: {Role.ADMINISTRATOR: Scope.ALL},
    Right.READ_ACTS: dict.fromkeys((Role.ADMINISTRATOR, *_SEE_ALL), Scope.ALL),
    Right.READ_SUBJECTS: _SEE_ALL | {Role.PRODUCER_OFFICER: Scope.OWN},
    Right.CHANGE_ENTITIES: {_OFFICER: Scope.ALL},
    Right.CHANGE_PLACES: {_OFFICER: Scope.ALL},
    Right.APPLY_LICENCES: {_OFFICER: Scope.ALL, Role.PRODUCER_OFFICER: Scope.OWN},
    Right.READ_EXCLUSIONS: dict(_SEE_ALL),
    Right.CHANGE_EXCLUSIONS: {_OFFICER: Scope.ALL},
    Right.DECIDE_SCREENINGS: {_OFFICER: Scope.ALL},
    Right.DECIDE_LICENCES: {_OFFICER: Scope.ALL},
    Right.INSPECT: {Role.INSPECTOR: Scope.ALL},
    Right.IMPOSE_SANCTIONS: {_OFFICER: Scope.ALL},
    Right.CHANGE_PRODUCTS: {_OFFICER: Scope.ALL, Role.PRODUCER_OFFICER: Scope.OWN},
    Right.WITHDRAW_PRODUCTS: {_OFFICER: Scope.ALL},
    Right.CERTIFY: dict.fromkeys((_OFFICER, Role.INSPECTOR), Scope.ALL),
    Right.APPROVE_TYPES: {_OFFICER: Scope.ALL},
    Right.READ_ORDERS: _SEE_ALL | _SEE_OWN,
    Right.DRAFT_ORDERS: {_OFFICER: Scope.ALL, Role.PRODUCER_OFFICER: Scope.OWN},
    Right.CHANGE_ORDERS: {_OFFICER: Scope.ALL},
    Right.READ_BALANCES: _SEE_ALL | {Role.PRODUCER_OFFICER: Scope.OWN},
    Right.SETTLE_DOUBTS: {_OFFICER: Scope.ALL},
    Right.INVITE_GATEWAYS: {_OFFICER: Scope.ALL},
    Right.READ_DEVICES: _SEE_ALL | {Role.WAREHOUSE: Scope.OWN, Role.PRODUCER_OFFICER: Scope.OWN},
    Right.CHANGE_DEVICES: {
        _OFFICER: Scope.ALL,
        Role.WAREHOUSE: Scope.OWN,
        Role.PRODUCER_OFFICER: Scope.OWN,
    },
    Right.REACTIVATE_DEVICES: {_OFFICER: Scope.ALL},
    Right.CHANGE_PEOPLE: {_OFFICER: Scope.ALL},
    Right.READ_ITEMS: _SEE_ALL | _SEE_OWN,
    Right.REPORT_EVENTS: {
        _OFFICER: Scope.ALL,
        Role.INSPECTOR: Scope.ALL,
        Role.WAREHOUSE: Scope.OWN,
        Role.PRODUCER_OFFICER: Scope.OWN,
    },
    Right.SETTLE_ARTICLES: {_OFFICER: Scope.ALL},
    Right.ALLOCATE_UNITS: {
        _OFFICER: Scope.ALL,
        Role.WAREHOUSE: Scope.OWN,
        Role.PRODUCER_OFFICER: Scope.OWN,
    },
    Right.PRINT_LABELS: {
        _OFFICER: Scope.ALL,
        Role.WAREHOUSE: Scope.OWN,
        Role.PRODUCER_OFFICER: Scope.OWN,
    },
    Right.READ_LOTS: _SEE_ALL | {Role.WAREHOUSE: Scope.OWN, Role.PRODUCER_OFFICER: Scope.OWN},
    Right.OPEN_LOTS: {_OFFICER: Scope.ALL, Role.PRODUCER_OFFICER: Scope.OWN},
    Right.REPORT_LOTS: {
        _OFFICER: Scope.ALL,
        Role.INSPECTOR: Scope.ALL,
        Role.WAREHOUSE: Scope.OWN,
        Role.PRODUCER_OFFICER: Scope.OWN,
    },
    Right.SUSPEND_LOTS: {
        _OFFICER: Scope.ALL,
        Role.INSPECTOR: Scope.ALL,
        Role.PRODUCER_OFFICER: Scope.OWN,
    },
    Right.DECIDE_LOTS: {_OFFICER: Scope.ALL},
    Right.READ_CONSIGNMENTS: _SEE_ALL
    | {Role.WAREHOUSE: Scope.OWN, Role.PRODUCER_OFFICER: Scope.OWN},
    Right.REPORT_CONSIGNMENTS: {
        _OFFICER: Scope.ALL,
        Role.WAREHOUSE: Scope.OWN,
        Role.PRODUCER_OFFICER: Scope.OWN,
    },
    Right.RESOLVE_CONSIGNMENTS: {_OFFICER: Scope.ALL},
    Right.READ_COUNTS: _SEE_ALL | {Role.WAREHOUSE: Scope.OWN, Role.PRODUCER_OFFICER: Scope.OWN},
    Right.PLAN_COUNTS: dict(_COUNTING),
    Right.COUNT: dict(_COUNTING),
    Right.RESOLVE_COUNTS: dict(_COUNTING),
    Right.READ_IMPORTS: dict(_SEE_ALL),
    Right.IMPORT: {_OFFICER: Scope.ALL},
    Right.READ_GATEWAYS: dict(_SEE_ALL),
    Right.READ_EVIDENCE: dict(_SEE_ALL),
    Right.READ_ALERTS: dict(_SEE_ALL),
    Right.HANDLE_ALERTS: dict.fromkeys((_OFFICER, Role.INSPECTOR), Scope.ALL),
    Right.READ_PROPOSALS: _SEE_ALL | {Role.WAREHOUSE: Scope.OWN, Role.PRODUCER_OFFICER: Scope.OWN},
    # Besides the right to do what is proposed.
    Right.DECIDE_PROPOSALS: {
        _OFFICER: Scope.ALL,
        Role.INSPECTOR: Scope.ALL,
        Role.WAREHOUSE: Scope.OWN,
        Role.PRODUCER_OFFICER: Scope.OWN,
    },
}
"""By right, the roles that have it and how far it reaches. Who is not named has none."""


def without(role: str, right: Right) -> Said:
    """That a role has not got it."""
    return said(
        "{role} has not the right {right}", role=Word(role, "role"), right=Word(right, "right")
    )
