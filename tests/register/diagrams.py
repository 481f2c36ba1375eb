"""The steps of the register's subjects, taken from the code, as Mermaid diagrams.

python -m tests.register.diagrams              prints them
python -m tests.register.diagrams --write      puts them into docs/register.md
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from central.alerts.rules import RULES
from central.register.alerts import rules as alerts
from central.register.articles import rules as articles
from central.register.consignments import rules as consignments
from central.register.inspections import rules as inspections
from central.register.licences import rules as licences
from central.register.lots import rules as lots
from central.register.prints import service as prints
from central.register.proposals import rules as proposals
from central.register.sanctions import rules as sanctions
from central.register.stock import rules as counts

DOCUMENT = Path(__file__).parents[2] / "docs" / "register.md"
Steps = Mapping[str, tuple[Sequence[str | None], str | None]]
"""By act: the states that it leads from, and the one that it leads to; None is no state yet as an
origin, and the same state as a target."""

ASIDE = frozenset({"lost", "stolen", "found", "seized"})
"""What may befall almost anything: in the table, and not in the diagram."""
SUBJECTS: Mapping[str, Steps] = {
    "article": {"commissioned": ((None,), "commissioned")}
    | {
        what: step
        for what, step in articles.STEPS.items()
        if step[1] is not None and what not in ASIDE
    },
    "consignment": consignments.STEPS,
    "count": counts.STEPS,
    "licence": licences.STEPS,
    "inspection": inspections.STEPS,
    "sanction": sanctions.STEPS,
    "proposal": proposals.STEPS,
    "alert": alerts.STEPS,
    "print": prints.STEPS,
    "lot": lots.STEPS,
}


def begin(subject: str) -> str:
    return f"<!-- steps of {subject}: written by `python -m tests.register.diagrams --write` -->"


def end(subject: str) -> str:
    return f"<!-- end of {subject} -->"


def mermaid(steps: Steps) -> str:
    """A state diagram: what leads from one state to another, one arrow a pair."""
    names: dict[tuple[str | None, str | None], list[str]] = {}
    for act, (origins, target) in steps.items():
        for origin in origins:
            names.setdefault((origin, target or origin), []).append(act)
    lines = ["stateDiagram-v2"]
    lines += [
        f"    {origin or '[*]'} --> {target}: {' · '.join(acts)}"
        for (origin, target), acts in names.items()
    ]
    return "\n".join(lines)


def rules() -> str:
    """A line a rule of alerts: what it is about, and what it says."""
    lines = ["| rule | severity | subject | it says |", "|---|---|---|---|"]
    lines += [f"| `{r.code}` | {r.severity} | {r.about} | {r.title} |" for r in RULES]
    return "\n".join(lines)


def table() -> str:
    """A line an event: what it leads from and to."""
    lines = ["| event | leads from | to |", "|---|---|---|"]
    lines += [
        f"| `{act}` | {', '.join(origin or '–' for origin in origins)} | {target or 'the same'} |"
        for act, (origins, target) in articles.STEPS.items()
    ]
    return "\n".join(lines)


def section(subject: str) -> str:
    """What stands in the document between a subject's two marks."""
    diagram = mermaid(SUBJECTS[subject])
    tables = {"article": table, "alert": rules}
    more = f"\n\n{tables[subject]()}" if subject in tables else ""
    return f"{begin(subject)}\n```mermaid\n{diagram}\n```{more}\n{end(subject)}"


def written(document: str) -> str:
    """The document with the diagrams of today in the place of the former ones."""
    for subject in SUBJECTS:
        before, _, rest = document.partition(begin(subject))
        _, _, after = rest.partition(end(subject))
        document = f"{before}{section(subject)}{after}"
    return document


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(written(DOCUMENT.read_text()))
    else:
        print("\n".join(section(subject) for subject in SUBJECTS))
