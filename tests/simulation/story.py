"""What happened, step by step, in words; its hash says whether two runs were the same."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Story:
    """Lines of (time, who, what). Words are put together only when somebody reads them."""

    clock: Callable[[], float]
    lines: list[tuple[float, str, str]] = field(default_factory=list)

    def tell(self, who: str, what: str) -> None:
        self.lines.append((self.clock(), who, what))

    def told(self, last: int | None = None) -> Iterator[str]:
        """The lines as text; control characters of symbols made visible."""
        for at, who, what in self.lines[-last:] if last else self.lines:
            yield f"{at:10.3f}  {who:<22} {visible(what)}"

    def hash(self) -> str:
        digest = hashlib.sha256()
        for at, who, what in self.lines:
            digest.update(f"{at!r}\t{who}\t{what}\n".encode("utf-8", "backslashreplace"))
        return digest.hexdigest()


_MADE_VISIBLE = {4: "<EOT>", 29: "<GS>", 30: "<RS>"}


def visible(text: str) -> str:
    return text.translate(_MADE_VISIBLE)
