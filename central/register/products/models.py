"""A product as it is asked for."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from central.register.entities.models import Asked, Code, Name
from gateway.contract.plan import Component, PlanOrder, Template, Verify
from gateway.contract.uii import UiiError

Kind = Literal["serial", "package"]
Components = Annotated[tuple[Component, ...], Field(min_length=1, max_length=20)]


class NewProduct(Asked):
    """`space` names the number space; the entity and the product make one when it is left out."""

    code: Code
    entity: Code
    model: Name
    calibre: Annotated[str, Field(max_length=60)] = ""
    kind: Kind = "serial"
    components: Components
    template: Template
    space: Code | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        check_names(self.template, self.components, lot="LOT1")
        return self


def check_names(template: Template, components: tuple[Component, ...], lot: str | None) -> None:
    """Raise ValueError unless the template gives each number and component a UII."""
    if "{serial}" not in template.content:
        raise ValueError("template.content holds {serial}")
    names = [component.name for component in components]
    if len(set(names)) != len(names):
        raise ValueError("each component has a name of its own")
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
    for component in components:
        try:
            trial.item(1, component)
        except UiiError as error:
            raise ValueError(f"template.content names no item: {error}") from error
