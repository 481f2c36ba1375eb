"""How a browser wants the pages to look: light or dark, and with how much contrast."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar, get_args

from fastapi import Request, Response
from markupsafe import Markup

Theme: TypeAlias = Literal["auto", "light", "dark"]
Contrast: TypeAlias = Literal["auto", "normal", "more"]
THEMES: tuple[Theme, ...] = get_args(Theme)
CONTRASTS: tuple[Contrast, ...] = get_args(Contrast)
T = TypeVar("T")
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True)
class Appearance:
    """ "auto" is as the system wishes it: what nobody chose."""

    theme: Theme = "auto"
    contrast: Contrast = "auto"

    @classmethod
    def of(cls, request: Request) -> "Appearance":
        """What the address asks for, else what the cookies kept."""
        asked, kept = request.query_params, request.cookies
        return cls(
            _first(THEMES, asked.get("theme"), kept.get("gjurma_theme")),
            _first(CONTRASTS, asked.get("contrast"), kept.get("gjurma_contrast")),
        )

    def attributes(self) -> Markup:
        """Of the root element."""
        return Markup("").join(
            Markup(' data-{}="{}"').format(name, value)
            for name, value in (("theme", self.theme), ("contrast", self.contrast))
            if value != "auto"
        )

    def keep(self, request: Request, response: Response, *, secure: bool = False) -> None:
        """For the next pages, where this one's address asked for it."""
        for name, value in (("theme", self.theme), ("contrast", self.contrast)):
            if name in request.query_params:
                response.set_cookie(
                    f"gjurma_{name}",
                    value,
                    max_age=_YEAR_S,
                    secure=secure,
                    httponly=True,
                    samesite="lax",
                )


def _first(known: tuple[T, ...], *wishes: str | None) -> T:
    return next((each for wish in wishes for each in known if each == wish), known[0])
