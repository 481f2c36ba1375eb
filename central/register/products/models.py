"""A product as it is asked for."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from central.register.entities.models import Asked, Code, Name
from gateway.contract.plan import Component, PlanOrder, Template, Verify
from gateway.contract.uii import COMPONENT_IDENTIFIER, UiiError, identify

Kind = Literal["serial", "package"]
Tray = Annotated[int, Field(ge=1, le=1000)]
JOB_LIMIT = 200
Components = Annotated[tuple[Component, ...], Field(min_length=1, max_length=20)]


class Import(Asked):
    """Whence and when goods came in, by the International Tracing Instrument, sec. III.

    `existing`: whether the marks that they carry already are codes, which a reader sees and
    `expect` lists, or text alone.
    """

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["IT"])]
    year: Annotated[int, Field(ge=1900, le=2199)]
    existing: Literal["code", "text"] = "code"


class NewProduct(Asked):
    """`space` names the number space; the entity and the product make one when it is left out.

    `tray`: how many parts lie in one tray and are marked in one cycle.
    """

    code: Code
    entity: Code
    model: Name
    calibre: Annotated[str, Field(max_length=60)] = ""
    kind: Kind = "serial"
    components: Components
    template: Template
    space: Code | None = None
    tray: Tray | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        trial = Import(country="AL", year=2000) if is_import(self.template) else None
        found = faults(self.kind, self.template, self.components, "LOT1", trial)
        if found:
            raise ValueError("; ".join(found))
        return self


COUNTRY, YEAR = "{import_country}", "{import_year}"
"""What the register itself puts into a template, before it stands in a plan."""


def is_import(template: Template) -> bool:
    """Whether the template says whence or when goods came in."""
    return any(place in _text(template) for place in (COUNTRY, YEAR))


def filled(template: Template, imported: Import | None) -> Template:
    """The template as it stands in a plan."""
    if imported is None:
        return template

    def put(text: str) -> str:
        return text.replace(COUNTRY, imported.country).replace(YEAR, str(imported.year))

    return template.model_copy(
        update={"content": put(template.content), "lines": tuple(map(put, template.lines))}
    )


def faults(
    kind: str,
    template: Template,
    components: tuple[Component, ...],
    lot: str | None,
    imported: Import | None = None,
) -> list[str]:
    """Why this would not give each number and component a symbol of its own; all at once."""
    found = _import_faults(template, imported)
    template = filled(template, imported)
    if "{serial}" not in template.content:
        found.append("template.content holds {serial}: else every part would carry the same")
    if "{lot}" in template.content and lot is None:
        found.append("the template holds {lot}: the order needs a lot")
    if kind == "package" and len(components) > 1:
        found.append("a package is one piece: it has one component")
    found += _component_faults(template, components)
    if not found:
        found += _symbol_faults(template, components, lot)
    return found


def _import_faults(template: Template, imported: Import | None) -> list[str]:
    if imported is None:
        return ["the template is for imported goods: the order says imported"] * is_import(template)
    missing = [place for place in (COUNTRY, YEAR) if place not in _text(template)]
    return [f"imported goods: the template holds {' and '.join(missing)}"] if missing else []


def _text(template: Template) -> str:
    return "\n".join((template.content, *template.lines))


def _component_faults(template: Template, components: tuple[Component, ...]) -> list[str]:
    found = []
    names = [component.name for component in components]
    if len(set(names)) != len(names):
        found.append("each component has a name of its own")
    for component in components:
        if component.job is not None and not 1 <= len(component.job) <= JOB_LIMIT:
            found.append(f"component {component.name}: its job has 1 to {JOB_LIMIT} characters")
    if len(components) > 1:
        if "{component}" not in template.content:
            found.append("several components: template.content holds {component}")
        symbols = [component.symbol for component in components]
        if "" in symbols or len(set(symbols)) != len(symbols):
            found.append("several components: each has a symbol of its own")
    return found


def _symbol_faults(
    template: Template, components: tuple[Component, ...], lot: str | None
) -> list[str]:
    """What only the filled symbol shows."""
    trial = PlanOrder(
        id="trial",
        product="trial",
        kind="serial",
        quantity=1,
        lot=lot,
        job="",
        template=template,
        components=components,
        verify=Verify(mode="each"),
        state="held",
    )
    found, uiis = [], set()
    for component in components:
        try:
            named = identify(trial.content(1, component))
        except UiiError as error:
            found.append(f"template.content names no item: {component.name}: {error}")
            continue
        uiis.add(named.uii)
        if len(components) > 1 and named.component != component.symbol:
            carrier = COMPONENT_IDENTIFIER[named.envelope.format]
            found.append(
                f"component {component.name}: the symbol carries {component.symbol} in element"
                f" {carrier}, so that a read tells the pieces of one number apart"
            )
    if len(uiis) > 1:
        found.append("{component} stands outside the item's identification: all pieces are one")
    return found
