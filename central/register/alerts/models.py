"""What an alert is raised of, and the words of its life."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

RuleCode = Literal[
    "duplicate",
    "quarantined",
    "unlicensed",
    "unjudged",
    "not-stored",
    "disputed",
    "received-by-other",
    "seen-after-end",
    "elsewhere",
    "too-far",
    "block-too-fast",
    "overdue",
    "received-short",
    "count-missing",
    "count-overdue",
    "scan-refused",
    "gateway-silent",
    "gateway-behind",
    "clock-off",
    "gateway-latched",
    "journal-full",
    "guard-silent",
    "journal-forked",
    "register-older",
    "claims-more",
    "look-failed",
    "balance-open",
    "lot-balance-open",
]
Severity = Literal["critical", "warning"]
About = Literal[
    "item",
    "gateway",
    "device",
    "event",
    "article",
    "block",
    "order",
    "consignment",
    "count",
    "lot",
    "register",
]
AlertState = Literal["raised", "escalated", "acknowledged", "resolved"]

Fact = str | int | float | list[str]


@dataclass(frozen=True)
class Finding:
    """What a rule found. `cause`: what sets this case apart from another of the same subject, for
    ever; `facts`: all that it was judged by, as JSON, also what its text is filled with."""

    rule: RuleCode
    severity: Severity
    about: About
    subject: str
    cause: str
    facts: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """The alert's: the same finding has the same one, however often it is found."""
        case = "\n".join((self.rule, self.subject, self.cause))
        return f"{self.rule}-{sha256(case.encode()).hexdigest()[:16]}"
