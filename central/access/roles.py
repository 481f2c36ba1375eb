"""The one table of who may do what, and the words that it is made of."""

from collections.abc import Mapping
from enum import StrEnum


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
    CHANGE_PEOPLE = "people.change"
    READ_ITEMS = "items.read"
    READ_GATEWAYS = "gateways.read"
    READ_EVIDENCE = "evidence.read"


class Scope(StrEnum):
    """How far a right reaches."""

    ALL = "all"
    OWN = "own"


_OFFICER = Role.REGISTRY_OFFICER
_SEE_ALL = dict.fromkeys((_OFFICER, Role.INSPECTOR, Role.AUDITOR), Scope.ALL)
_SEE_OWN = dict.fromkeys(OF_AN_ENTITY, Scope.OWN)

RIGHTS: Mapping[Right, Mapping[Role, Scope]] = {
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
    Right.CHANGE_PEOPLE: {_OFFICER: Scope.ALL},
    Right.READ_ITEMS: _SEE_ALL | _SEE_OWN,
    Right.READ_GATEWAYS: dict(_SEE_ALL),
    Right.READ_EVIDENCE: dict(_SEE_ALL),
}
"""By right, the roles that have it and how far it reaches. Who is not named has none."""
