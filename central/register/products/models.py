"""A product as it is asked for, and what is wrong with it."""

import re
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from central.register.asked import Asked, Code, Name
from central.register.identifiers import Country, MilitaryCategory, Nsn
from central.register.lots import number as lots
from central.said import Quoting, Said, Word, joined, said
from gateway.contract.plan import Component, PlanOrder, Template, Verify
from gateway.contract.uii import COMPONENT_IDENTIFIER, UiiError, identify

Kind = Literal["serial", "package"]
LotFormat = Literal["free", "mil-std-1168c"]
ProductState = Literal["active", "withdrawn"]
Tray = Annotated[int, Field(ge=1, le=1000)]
Calibre = Annotated[str, Field(max_length=60)]
JOB_LIMIT = 200
Components = Annotated[tuple[Component, ...], Field(min_length=1, max_length=20)]
_PLACE = re.compile(r"\{(\w*)\}")
_FILLED = frozenset({"serial", "lot", "component", "import_country", "import_year"})
TRIAL_LOTS: dict[LotFormat, str] = {"free": "LOT1", "mil-std-1168c": "AAA00A001-001"}
"""What stands for a lot where none is named yet."""


class Import(Asked):
    """Whence and when goods came in, by the International Tracing Instrument, sec. III.

    `existing`: whether the marks that they carry already are codes, which a reader sees and
    `expect` lists, or text alone.
    """

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["IT"])]
    year: Annotated[int, Field(ge=1900, le=2199)]
    existing: Literal["code", "text"] = "code"


TRIAL_IMPORT = Import(country="AL", year=2000)
"""What stands for an import where none is named yet."""


class ProductFields(Asked):
    """`space` names the number space; the entity and the product make one when it is left out.

    `tray`: how many parts lie in one tray and are marked in one cycle. `country`: of manufacture.
    `lot_format`: whether its orders' lots are free, or ammunition lot numbers by the standard.
    """

    code: Code
    entity: Code
    model: Name
    calibre: Calibre = ""
    nsn: Nsn | None = None
    category: MilitaryCategory | None = None
    country: Country | None = None
    kind: Kind = "serial"
    lot_format: LotFormat = "free"
    components: Components
    template: Template
    space: Code | None = None
    tray: Tray | None = None

    def faults(self, lot: str | None = None, imported: Import | None = None) -> list[str]:
        """All at once; a lot and an import stand in where none is given."""
        trial = TRIAL_LOTS[self.lot_format] if lot is None else lot
        if imported is None and is_import(self.template):
            imported = TRIAL_IMPORT
        found = faults(self.kind, self.template, self.components, trial, imported)
        return found + lot_faults(self.kind, self.lot_format, trial)


class NewProduct(ProductFields):
    """One without a fault."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        found = self.faults()
        if found:
            raise ValueError(joined("; ", found))
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


class ProductAmendment(Asked):
    """What is to change of a product; what is left out stays, null takes away."""

    model: Name | None = None
    calibre: Calibre | None = None
    nsn: Nsn | None = None
    category: MilitaryCategory | None = None
    country: Country | None = None
    kind: Kind | None = None
    lot_format: LotFormat | None = None
    components: Components | None = None
    template: Template | None = None
    space: Code | None = None
    tray: Tray | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        named = self.model_fields_set & ProductAmendment.model_fields.keys()
        if not named:
            raise ValueError(said("name what is to change"))
        kept = sorted(name for name in named - MAY_BE_ABSENT if getattr(self, name) is None)
        if kept:
            raise ValueError(said("{names}: cannot be taken away", names=", ".join(kept)))
        return self


MAY_BE_ABSENT = frozenset({"nsn", "category", "country", "tray"})
FIXED_BY_ORDERS = frozenset({"kind", "lot_format", "components", "template", "space"})
"""What a product keeps once there is an order of it: marks are made by it."""


def lot_faults(kind: str, lot_format: str, lot: str | None) -> list[str]:
    """Whether an order's lot has the form that its product asks for; says at which character."""
    if lot_format == "free":
        return []
    if kind != "package":
        return [said("lot_format {format} stands for packages of ammunition", format=lot_format)]
    if lot is None:
        return [said("the order needs a lot by {standard}", standard=lot_format.upper())]
    try:
        lots.parse(lot)
    except lots.LotNumberError as error:
        return [
            said(
                "lot {lot} is none by {standard}: {fault}",
                lot=repr(lot),
                standard=lot_format.upper(),
                fault=error.sentence,
            )
        ]
    return []


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
    texts = (template.content, *template.lines)
    if "{serial}" not in template.content:
        found.append(
            said(
                "template.content holds {place}: else every part would carry the same",
                place="{serial}",
            )
        )
    if lot is None and any("{lot}" in each for each in texts):
        found.append(said("the template holds {place}: the order needs a lot", place="{lot}"))
    found += [
        said(
            "the template holds {place}: only {serial}, {lot} and {component} are put in",
            place=f"{{{name}}}",
            serial="{serial}",
            lot="{lot}",
            component="{component}",
        )
        for name in _unknown_places(texts)
    ]
    if kind == "package" and len(components) > 1:
        found.append(said("a package is one piece: it has one component"))
    found += _component_faults(template, components)
    if not found:
        found += _symbol_faults(template, components, lot)
    return found


def _import_faults(template: Template, imported: Import | None) -> list[str]:
    if imported is None:
        unsaid = said("the template is for imported goods: the order says imported")
        return [unsaid] if is_import(template) else []
    missing = [place for place in (COUNTRY, YEAR) if place not in _text(template)]
    if len(missing) == 1:
        return [said("imported goods: the template holds {place}", place=missing[0])]
    both = said(
        "imported goods: the template holds {country} and {year}", country=COUNTRY, year=YEAR
    )
    return [both] if missing else []


def _text(template: Template) -> str:
    return "\n".join((template.content, *template.lines))


def trial_order(
    template: Template,
    components: tuple[Component, ...],
    lot: str | None,
    imported: Import = TRIAL_IMPORT,
) -> PlanOrder:
    """An order of this, as a gateway would fill its symbols; nobody ever gets it."""
    return PlanOrder(
        id="trial",
        product="trial",
        kind="serial",
        quantity=1,
        lot=lot,
        job="",
        template=filled(template, imported),
        components=components,
        verify=Verify(mode="each"),
        state="held",
    )


def _unknown_places(texts: Iterable[str]) -> list[str]:
    return sorted({name for text in texts for name in _PLACE.findall(text)} - _FILLED)


def _component_faults(template: Template, components: tuple[Component, ...]) -> list[str]:
    found: list[str] = []
    names = [component.name for component in components]
    if len(set(names)) != len(names):
        found.append(said("each component has a name of its own"))
    for component in components:
        if component.job is not None and not 1 <= len(component.job) <= JOB_LIMIT:
            found.append(
                said(
                    "component {name}: its job has 1 to {most} characters",
                    name=component.name,
                    most=JOB_LIMIT,
                )
            )
    if len(components) > 1:
        if "{component}" not in template.content:
            found.append(
                said("several components: template.content holds {place}", place="{component}")
            )
        symbols = [component.symbol for component in components]
        if "" in symbols or len(set(symbols)) != len(symbols):
            found.append(said("several components: each has a symbol of its own"))
    return found


def _symbol_faults(
    template: Template, components: tuple[Component, ...], lot: str | None
) -> list[str]:
    """What only the filled symbol shows."""
    trial = trial_order(template, components, lot)
    found: list[str] = []
    uiis = set()
    for component in components:
        try:
            named = identify(trial.content(1, component))
        except UiiError as error:
            found.append(no_item(component.name, error))
            continue
        uiis.add(named.uii)
        if len(components) > 1 and named.component != component.symbol:
            carrier = COMPONENT_IDENTIFIER[named.envelope.format]
            found.append(
                said(
                    "component {name}: the symbol carries {symbol} in element {element},"
                    " so that a read tells the pieces of one number apart",
                    name=component.name,
                    symbol=component.symbol,
                    element=carrier,
                )
            )
    if len(uiis) > 1:
        found.append(
            said(
                "{place} stands outside the item's identification: all pieces are one",
                place="{component}",
            )
        )
    return found


def no_item(component: str, error: UiiError) -> Said:
    """That what a component would carry is no identification."""
    kind = said("{kind} ({detail})", kind=Word(error.code, "uii"), detail=str(error))
    return said(
        "template.content names no item: {name}: {fault}",
        name=component,
        fault=Quoting(str(error), kind),
    )
