"""A table in the documentation that a command writes, between two marks that stay."""

from pathlib import Path


def put(document: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between the marks. Raises ValueError where they are not."""
    whole = document.read_text("utf-8")
    before, first, rest = whole.partition(begin)
    _, last, after = rest.partition(end)
    if not first or not last:
        raise ValueError(f"{document} has no place for the table")
    document.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", "utf-8")


def escaped(cell: str) -> str:
    """A cell as it is: symbols hold characters that Markdown would take for its own."""
    for each in "\\|<>[]*_`":
        cell = cell.replace(each, f"\\{each}")
    return cell


def renewed(document: Path, begin: str, end: str, table: str) -> None:
    """Put a table whose rows begin with a family; rows of families that it has not stay."""
    old = document.read_text("utf-8").partition(begin)[2].partition(end)[0].strip().splitlines()
    head, new = table.splitlines()[:2], table.splitlines()[2:]
    names = {_first(row) for row in new}
    rows = [row for row in old[2:] if _first(row) not in names] + new
    put(document, begin, end, "\n".join([*head, *sorted(rows, key=_first)]))


def _first(row: str) -> str:
    return row.split("|")[1].strip()
