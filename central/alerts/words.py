"""What an alert says to people, in Albanian and in English."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from central.alerts.rules import BY_CODE
from central.register.alerts.models import Fact
from central.register.alerts.rules import Alert
from central.screens import kept, texts
from central.screens.texts import Language
from central.screens.words import moment

_CODES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "what": (("life", "event"),),
    "verdicts": (("life", "verdict"),),
    "before": (("desks", "value"),),
    "direction": (("desks", "value"),),
    "state": (("desks", "value"),),
    "latches": (("desks", "latch"),),
    "look": (("desks", "value"),),
    "code": (("alerts", "code"), ("screens", "verdict")),
}
"""By the name of a fact that is a code: the catalogue that has its word, and in which context."""
_FEMININE = (("desks", "value f"), ("desks", "value"))
"""A consignment is, in Albanian, and its state with it."""
_MOMENTS = frozenset({"planned_arrival", "due", "since"})
_LAST = re.compile(r"\(([a-z-]+), ")
"""Before the number of an event: what that told of."""


@dataclass(frozen=True)
class Words:
    """In one language; `body` is a mail's."""

    title: str
    text: str
    body: str


def words(alert: Alert, language: Language) -> Words:
    """The texts of its rule, filled with what it was judged by."""
    t = texts.load(language, "alerts")
    rule = BY_CODE[alert.rule]
    values = {name: _joined(value) for name, value in facts(alert, language).items()}
    values["subject"] = alert.subject
    title = t(rule.title)
    if rule.counted:
        text = t.counting(int(str(alert.facts[rule.counted])), rule.text, **values)
    else:
        text = t(rule.text, **values)
    lines = [
        text,
        "",
        t("Severity: {severity}", severity=t(alert.severity, "severity")),
        t("Raised: {at}, at Tirana", at=moment(alert.raised)),
        t("Number: {number}", number=alert.number),
    ]
    if alert.state == "escalated":
        lines.append(t("Nobody has acknowledged it yet."))
    lines += [
        "",
        t("Open alert {number} in the register, and acknowledge it.", number=alert.number),
    ]
    return Words(title, text, "\n".join(lines) + "\n")


def facts(alert: Alert, language: Language) -> dict[str, Fact]:
    """What it was judged by, with words for codes; numbers as they are."""
    return {name: _told(alert, name, value, language) for name, value in alert.facts.items()}


def _told(alert: Alert, name: str, value: Fact, language: Language) -> Fact:
    if isinstance(value, list):
        return [_said(alert, name, each, language) for each in value]
    return _said(alert, name, value, language) if isinstance(value, str) else value


def _joined(value: Fact) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _said(alert: Alert, name: str, text: str, language: Language) -> str:
    if name in _MOMENTS:
        return moment(datetime.fromisoformat(text))
    if name == "detail":
        return kept.in_words(text, language)
    if name == "last":
        return _LAST.sub(lambda found: f"({_word('what', found[1], alert, language)}, ", text)
    return _word(name, text, alert, language)


def _word(name: str, code: str, alert: Alert, language: Language) -> str:
    """A code that no catalogue knows stays as it is."""
    feminine = name == "state" and alert.about == "consignment"
    for catalogue, context in _FEMININE if feminine else _CODES.get(name, ()):
        t = texts.load(language, catalogue)
        if t.has(code, context):
            told = t.raw(code, context)
            # It stands within a sentence, and began an entry of its own.
            return told[0].lower() + told[1:] if context == "event" else told
    return code
