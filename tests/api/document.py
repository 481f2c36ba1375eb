"""The tables of docs/api.md, from the code: problems, who may do what, endpoints.

python -m tests.api.document              prints them
python -m tests.api.document --write      puts them into docs/api.md
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from central.access.roles import OF_AN_ENTITY, RIGHTS, Role, Scope
from central.api.description import operations
from central.app import interface
from central.problems import kinds

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
END = "<!-- end -->"


def problems() -> str:
    """By status and code: what it means and what to do."""
    return table(
        ("code", "status", "what it means", "`what_to_do`"),
        (
            (
                f"`{kind.code}`",
                str(kind.status),
                " ".join(kind.meaning.split()),
                kind.what_to_do,
            )
            for kind in kinds()
        ),
    )


def rights() -> str:
    """A line a right, a column a role."""
    roles = [*(role for role in Role if role not in OF_AN_ENTITY)]
    roles += [role for role in Role if role in OF_AN_ENTITY]
    words = {None: "", Scope.ALL: "all", Scope.OWN: "own"}
    return table(
        ("right", *roles),
        (
            (f"`{right}`", *(words[has.get(role)] for role in roles))
            for right, has in RIGHTS.items()
        ),
    )


def endpoints() -> str:
    """A line an endpoint, with the right that it needs."""
    whole = interface().openapi()
    return table(
        ("endpoint", "right"),
        (
            (f"`{method.upper()} {path}`", f"`{told['x-right']}`" if "x-right" in told else "–")
            for path, method, told in sorted(operations(whole), key=lambda each: each[:2])
        ),
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """In Markdown."""
    heads = list(head)
    lines = [heads, ["---"] * len(heads), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


SECTIONS: Mapping[str, Callable[[], str]] = {
    "problems": problems,
    "rights": rights,
    "endpoints": endpoints,
}


def written(document: str) -> str:
    """The document with the tables of today in the place of the former ones."""
    for name, made in SECTIONS.items():
        begin = f"<!-- {name}: written by `python -m tests.api.document --write` -->"
        before, found, rest = document.partition(begin)
        if not found:
            raise LookupError(f"{DOCUMENT.name} has no place for {name}")
        _, _, after = rest.partition(END)
        document = f"{before}{begin}\n{made()}\n{END}{after}"
    return document


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(written(DOCUMENT.read_text()))
    else:
        print("\n\n".join(made() for made in SECTIONS.values()))
