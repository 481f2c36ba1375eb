"""A count as it is asked for, step by step, and the words that its result is told in."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from central.register.articles.models import MOST_ARTICLES, Id
from central.register.articles.rules import HELD
from central.register.asked import Asked, Code, WithReason
from central.register.times import Moment
from central.said import Word, joined, said

AT_HAND = (*HELD, "seized", "deactivated", "demilitarised")
"""What lies at its place. What is in use is with its user, whatever place it belongs to."""

CountKind = Literal["full", "product", "spot"]
CountState = Literal["planned", "open", "counted", "closed", "cancelled"]
Result = Literal["present", "moved", "out-of-scope", "absent", "missing", "unexpected", "disagreed"]
"""`present`: expected, and seen by both. `moved`: what was told of it meanwhile explains what was
seen. `out-of-scope`: it is here as the register has it, and was not what is counted. `absent`:
not expected, seen by one, and the third look did not find it. The others are differences."""
DIFFERENCES: tuple[Result, ...] = ("missing", "unexpected", "disagreed")
Oddity = Literal[
    "unknown",
    "ambiguous",
    "not-good",
    "never-stored",
    "in-transit",
    "in-use",
    "gone",
    "other-holder",
    "elsewhere",
]
"""Why something is not expected: nothing of the register is called so, or several things are; it is
not good; it was marked, and never stored; where it is as the register has it; another has it."""
Resolution = Literal[
    "lost",
    "stolen",
    "moved-here",
    "sent-back",
    "counting-error",
    "registered-anew",
    "reported",
    "told",
]
RESOLVES: Mapping[Resolution, tuple[Result, ...]] = {
    "lost": ("missing",),
    "stolen": ("missing",),
    "moved-here": ("unexpected",),
    "sent-back": ("unexpected",),
    "counting-error": ("missing", "unexpected"),
    "registered-anew": ("unexpected",),
    "reported": ("missing", "unexpected"),
    "told": ("missing", "unexpected"),
}
"""By resolution: the differences that it may be of. Where the two disagree, a third look is first.
`told`: an event that came in after the comparison explains it."""
WITH_REFERENCE: frozenset[Resolution] = frozenset({"registered-anew", "told"})
OF_PIECES: frozenset[Resolution] = frozenset({"lost", "stolen", "counting-error", "reported"})
"""What may become of pieces that are counted by quantity."""

Number = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,29}$")]
"""Of a count; the events that it makes are numbered after it."""
Scan = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*\S[^\x00]*$")]
"""What a reader gave, or somebody typed: a UII, a symbol's whole content, an SSCC, a licence plate,
an inventory number, a serial number."""
Words = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f]*$")]


class NewCount(WithReason):
    """What will be counted, at which place with all within, until when.

    `products`: of a count by product. `articles`: of a spot check: these, and what lies in them.
    """

    number: Number
    place: Code
    kind: CountKind
    products: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    articles: Annotated[tuple[Id, ...], Field(max_length=500)] = ()
    due: Moment

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        for name, kind in (("products", "product"), ("articles", "spot")):
            named = getattr(self, name)
            if bool(named) != (self.kind == kind):
                raise ValueError(
                    said(
                        "{name} stands with a count of kind {kind}, and there it has to",
                        name=name,
                        kind=Word(kind, "value"),
                    )
                )
            if len(set(named)) != len(named):
                raise ValueError(said("{name}: one stands twice", name=name))
        return self


class Pieces(Asked):
    """Loose pieces, which carry no code: `product` is a product's code, or the model of stock of
    before; `lot` as it stands on them."""

    product: Words = ""
    lot: Annotated[Words, Field(min_length=1)]
    pieces: Annotated[int, Field(ge=0, le=10**12)]


class Scanned(Asked):
    """A part of one's tally. What was scanned before may come again.

    `opened`: packages that were opened, whose pieces are scanned one by one. `pieces`: of each lot,
    what is told last stands. `at`: when, where that was before now.
    """

    codes: Annotated[tuple[Scan, ...], Field(max_length=MOST_ARTICLES)] = ()
    opened: Annotated[tuple[Scan, ...], Field(max_length=MOST_ARTICLES)] = ()
    pieces: Annotated[tuple[Pieces, ...], Field(max_length=1_000)] = ()
    at: Moment | None = None


class LookedAgain(WithReason):
    """The third look, by somebody who has not counted: what of it is there, and what is not."""

    seen: Annotated[tuple[Scan, ...], Field(max_length=MOST_ARTICLES)] = ()
    not_seen: Annotated[tuple[Scan, ...], Field(max_length=MOST_ARTICLES)] = ()
    pieces: Annotated[tuple[Pieces, ...], Field(max_length=1_000)] = ()

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        codes = (*self.seen, *self.not_seen)
        if not codes and not self.pieces:
            raise ValueError(said("it is about nothing"))
        if len(set(codes)) != len(codes):
            raise ValueError(said("seen, not_seen: one stands twice"))
        return self


class Lot(Asked):
    """What is counted by quantity."""

    product: Words = ""
    lot: Annotated[Words, Field(min_length=1)]


class CountResolving(WithReason):
    """What is done about differences. `reference`: the event that explains it (`told`), or the
    import or the article under which it is in the register now (`registered-anew`)."""

    articles: Annotated[tuple[Scan, ...], Field(max_length=MOST_ARTICLES)] = ()
    lots: Annotated[tuple[Lot, ...], Field(max_length=1_000)] = ()
    resolution: Resolution
    reference: Annotated[str, Field(max_length=60, pattern=r"^[A-Za-z0-9._/-]+$")] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.articles and not self.lots:
            raise ValueError(said("it is about nothing"))
        if len(set(self.articles)) != len(self.articles):
            raise ValueError(said("articles: one stands twice"))
        if self.lots and self.resolution not in OF_PIECES:
            kinds = joined(", ", (Word(each, "value") for each in sorted(OF_PIECES)))
            raise ValueError(said("lots stand with {kinds}", kinds=kinds))
        if (self.reference is not None) != (self.resolution in WITH_REFERENCE):
            kinds = joined(" or ", (Word(each, "value") for each in sorted(WITH_REFERENCE)))
            raise ValueError(
                said("reference stands with {kinds}, and there it has to", kinds=kinds)
            )
        if self.resolution in ("lost", "stolen", "reported") and not self.basis:
            raise ValueError(
                said(
                    "basis: the document by which it is {resolution}",
                    resolution=Word(self.resolution, "value"),
                )
            )
        return self
