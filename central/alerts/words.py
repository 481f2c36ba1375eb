"""What an alert says to people, in Albanian and in English."""

from dataclasses import dataclass
from typing import Any

from central.alerts.rules import BY_CODE
from central.register.alerts.rules import Alert
from central.screens import texts
from central.screens.texts import LANGUAGES, Language

_TEXTS = {language: texts.load(language, "alerts") for language in LANGUAGES}


@dataclass(frozen=True)
class Words:
    """In one language; `body` is a mail's."""

    title: str
    text: str
    body: str


def words(alert: Alert, language: Language) -> Words:
    """The texts of its rule, filled with what it was judged by."""
    t = _TEXTS[language]
    rule = BY_CODE[alert.rule]
    values = {name: _said(value) for name, value in alert.facts.items()}
    title = t(rule.title)
    text = t(rule.text, subject=alert.subject, **values)
    lines = [
        text,
        "",
        t("Severity: {severity}", severity=t(alert.severity, "severity")),
        t("Raised: {at}", at=alert.raised.isoformat(timespec="seconds")),
        t("Number: {number}", number=alert.number),
    ]
    if alert.state == "escalated":
        lines.append(t("Nobody has acknowledged it yet."))
    lines += [
        "",
        t("Acknowledge it at POST /api/v1/alerts/{number}/acknowledge.", number=alert.number),
    ]
    return Words(title, text, "\n".join(lines) + "\n")


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
