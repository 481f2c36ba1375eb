"""What of a product or an order is about its marks, as the pages read it and draw it."""

from collections.abc import Iterable, Mapping
from typing import Any

from central.register.products.models import TRIAL_IMPORT, TRIAL_LOTS, Import, trial_order
from central.register.products.preview import Rendered, rendered
from central.screens.texts import Language, load
from gateway.contract.plan import Component, Template

OF_AN_ORDER = (
    *("job", "tray", "verify", "components", "template", "expect", "imported", "members"),
)
"""What an order is told of where it is told whole."""
_TEMPLATE = ("content", "lines", "serial_prefix", "serial_digits")
_COMPONENT = ("symbol", "job")
_COUNTS = ("quarantined", "duplicated", "unaccounted")
"""Of its numbers: they stand last."""
_EXAMPLE = 0
"""A number that no block holds: no part carries it."""


def component(name: str, language: Language) -> str:
    """In the reader's language, where there is a word for it."""
    return load(language)(name, "component")


def _obstacle(code: str, language: Language) -> str:
    """In words; that there are enough of it already its state says."""
    return "" if code == "order-finished" else load(language)(code, "reason")


def _with_code(name: str, language: Language) -> str:
    """Where orders name it by its code, that stands beside the word."""
    word = component(name, language)
    return word if word == name else f"{word} ({name})"


def product_read(item: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
    """Its template and components in the order of their form, which the register does not keep."""
    return {**item, **_as_asked(item, language)}


def order_read(item: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
    """As `product_read`. What says nothing is left out: how many are read where each is, a gateway
    that does all there is to do, and one that nothing stands against."""
    job = item.get("job")
    told = _as_asked(item, language)
    verify = dict(item.get("verify") or {})
    if verify:
        of_sample = {"every": verify.get("every")} if verify["mode"] == "sample" else {}
        by_eye = {"reason": verify.get("reason")} if verify["mode"] == "eye" else {}
        first = {"first_piece": verify.get("first_piece") or "none"}
        told["verify"] = {"mode": verify["mode"], **of_sample, **by_eye, **first}
    if "components" in told:
        told["components"] = [
            {**each, "job": each.get("job") or job} for each in told["components"]
        ]
    told["members"] = [
        _member(each, language)
        for each in item.get("members") or ()
        if any(value for name, value in each.items() if name != "name")
    ]
    told["obstacles"] = [
        {**each, "obstacle": _obstacle(each["obstacle"], language)}
        for each in item.get("at") or ()
        if each["obstacle"]
    ]
    told["reason"] = _obstacle(item.get("reason") or "", language)
    whole = {**item, **told}
    del whole["at"]
    return whole | {name: whole.pop(name) for name in _COUNTS}


def marks_of(item: Mapping[str, Any]) -> tuple[Rendered, ...]:
    """The mark of each component, with a number that no part gets; of a product whose lots and
    imports are named by its orders, with what stands for them."""
    imported = item.get("imported")
    lot = item.get("lot") or TRIAL_LOTS[item.get("lot_format") or "free"]
    order = trial_order(
        Template.model_validate(item["template"]),
        tuple(map(Component.model_validate, item["components"])),
        lot,
        TRIAL_IMPORT if imported is None else Import.model_validate(imported),
    )
    return rendered(order, (_EXAMPLE,))


def _member(told: Mapping[str, Any], language: Language) -> dict[str, Any]:
    rest = {name: told[name] for name in told if name not in ("name", "components")}
    parts = [_with_code(name, language) for name in told.get("components") or ()]
    return {"gateway": told["name"], "components": parts, **rest}


def _as_asked(item: Mapping[str, Any], language: Language) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if item.get("template"):
        told["template"] = _ordered(item["template"], _TEMPLATE)
    if item.get("components"):
        told["components"] = [
            {"component": _with_code(each["name"], language), **_ordered(each, _COMPONENT)}
            for each in item["components"]
        ]
    return told


def _ordered(told: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: told[name] for name in names if name in told}
