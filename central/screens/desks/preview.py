"""What a product's form would engrave, drawn while it is filled in: by the interface's preview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from central.register.products.preview import Rendered
from central.screens.desks.asking import Answer, ask
from central.screens.desks.description import Description
from central.screens.desks.faults import faults, names_of, of_field
from central.screens.desks.fields import Field
from central.screens.viewer import Viewer
from central.screens.words import drawn, visible

_INSIDE = "product"
"""Under which name the preview takes what is previewed."""
FIELD = "preview"
"""A form's button of this name asks for it, and so does the page while somebody types."""


@dataclass(frozen=True)
class Sketch:
    """One mark: of a component, with one number."""

    component: str
    serial: str
    content: str
    lines: tuple[str, ...]
    uii: str
    modules: str
    svg: Markup | None


@dataclass(frozen=True)
class Previewed:
    """`beside`: what is wrong, by field, as `Faults` has it; `rest`: what speaks of no field.
    `waits`: fields that are empty yet, without which nothing can be drawn."""

    marks: tuple[Sketch, ...] = ()
    waits: tuple[str, ...] = ()
    beside: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rest: tuple[str, ...] = ()


async def previewed(
    viewer: Viewer,
    description: Description,
    path: str,
    body: Mapping[str, Any],
    known: Mapping[str, Any],
    drawn: Sequence[Field],
) -> Previewed:
    """`known`: the product as it stands, of which the form's `body` changes something."""
    asked = description.plain(description.body("post", path)["properties"][_INSIDE])
    names = asked["properties"]
    told = {name: value for name, value in body.items() if value is not None}
    whole = {name: value for name, value in {**known, **told}.items() if name in names}
    answer = await ask(viewer, "POST", path, body={_INSIDE: whole})
    if not answer.is_good:
        wrong = faults(_of_the_form(answer), drawn)
        waits = tuple(name for name, (code, _) in wrong.beside.items() if code == "missing")
        beside = {name: told for name, told in wrong.beside.items() if name not in waits}
        unnamed: tuple[str, ...] = () if wrong.beside else (wrong.detail or wrong.title,)
        return Previewed(waits=waits, beside=beside, rest=unnamed)
    beside, rest = _sorted_out(answer.sentences, drawn)
    marks = tuple(sketch_of(Rendered.model_validate(each)) for each in answer.body["marks"])
    return Previewed(marks, beside=beside, rest=rest)


def _of_the_form(answer: Answer) -> Answer:
    """Its faults are told of places in the product: in the form they are the same without that."""
    moved = [
        each | {"where": [part for at, part in enumerate(each["where"]) if at != 1]}
        for each in answer.body.get("faults", ())
    ]
    return answer.model_copy(update={"body": answer.body | {"faults": moved}})


def _sorted_out(
    told: Sequence[str], drawn: Sequence[Field]
) -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
    """By field, and what speaks of none."""
    names = set(names_of(drawn))
    beside: dict[str, tuple[str, str]] = {}
    rest = []
    for fault in told:
        name, words = of_field(fault, names)
        if name and name not in beside:
            beside[name] = ("", words)
        else:
            rest.append(words)
    return beside, tuple(rest)


def sketch_of(mark: Rendered) -> Sketch:
    return Sketch(
        component=mark.component,
        serial=mark.serial,
        content=visible(mark.content),
        lines=mark.lines,
        uii=mark.uii or "",
        modules=str(mark.symbol.plain) if mark.symbol else "",
        svg=drawn(mark.content, mark.lines),
    )
