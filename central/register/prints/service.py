"""What was sent to printers. Each step is an act, and the first stands before anything is sent."""

from datetime import datetime

from central import schema
from central.errors import Conflict
from central.register.acts import Act, Work
from central.register.prints.models import NewPrint, PrintState
from central.register.subject import Row, Subject, held, impossible
from central.said import Word, said

STEPS: dict[str, tuple[tuple[PrintState | None, ...], PrintState]] = {
    "asked": ((None, "failed"), "asked"),
    "sent": (("asked",), "sent"),
    "failed": (("asked",), "failed"),
    "broken off": (("asked",), "broken-off"),
}
"""By act: the states that it leads from, and the one that it leads to."""


class Print(Row):
    """`said`: what the printer said of itself, before and after, or why it got nothing."""

    number: str
    unit: str
    printer: str
    site: str
    copies: int
    language: str
    dpmm: int
    state: PrintState
    said: str
    created: datetime


def apply(state: Print | None, act: Act) -> Print:
    """Raises `Conflict` or `NotFound`."""
    origins, target = STEPS[act.what]
    if (None if state is None else state.state) not in origins:
        known = "not asked for" if state is None else state.state
        raise Conflict(impossible("print", act.key, known, act.what))
    if act.what == "asked":
        created = act.at if state is None else state.created
        return Print.of(act, number=act.key, state=target, said="", created=created)
    after = {"state": target, "said": act.payload["said"], "version": act.id}
    return held("print", state, act).model_copy(update=after)


PRINT = Subject("print", schema.label_print, Print, apply, key=("number",))


def ask(work: Work, unit: str, asked: NewPrint, *, site: str, dpmm: int) -> Print:
    """Kept before anything is sent; what has been sent already is returned as it is.

    Raises `Conflict` where the number is another print's, or nobody knows whether it was printed.
    """
    payload = asked.model_dump(mode="json", exclude={"number"}) | {
        "unit": unit,
        "site": site,
        "dpmm": dpmm,
    }
    state = PRINT.load(work.connection, asked.number, lock=True)
    if state is not None:
        if state.model_dump(include=set(payload)) != payload:
            raise Conflict(said("print {number} is another one", number=asked.number))
        if state.state == "sent":
            return state
        if state.state != "failed":
            raise Conflict(
                said(
                    "print {number} is {state}: it may have been printed;"
                    " look, and print it under another number where it was not",
                    number=asked.number,
                    state=Word(state.state, "value"),
                )
            )
    return work.act(PRINT, asked.number, "asked", payload)


def ended(work: Work, number: str, what: str, said: str) -> Print:
    """`what`: sent, failed, broken off."""
    return work.act(PRINT, number, what, {"said": said})
