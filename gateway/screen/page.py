"""The operator's page and its files, read once; a file's address changes with its content.

They hold nothing of who asks for them, and are the same for all: so they are kept compressed too.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway import design
from gateway.screen.texts import LANGUAGES, Texts, read_all

HERE = Path(__file__).parent
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class StaticFile:
    """One file's bytes, as they are and compressed, and its media type."""

    body: bytes
    compressed: bytes
    media_type: str

    @classmethod
    def of(cls, body: bytes, media_type: str) -> "StaticFile":
        return cls(body, gzip.compress(body, 9, mtime=0), media_type)


class Page:
    """The page in every language, and the files that it loads."""

    def __init__(self) -> None:
        self.files = {
            path.name: StaticFile.of(path.read_bytes(), _KINDS[path.suffix])
            for folder in (design.STATIC, HERE / "static")
            for path in sorted(folder.iterdir())
            if path.suffix in _KINDS
        }
        self.texts: dict[str, Texts] = read_all()
        environment = Environment(
            loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined
        )
        self._template = environment.get_template("page.html")
        template = (HERE / "page.html").read_bytes()
        digest = hashlib.sha256()
        for part in (template, repr(self.texts).encode(), *(f.body for f in self.files.values())):
            digest.update(hashlib.sha256(part).digest())
        self.version = digest.hexdigest()[:16]
        """Of everything that a browser holds of this page: when it changes, it loads anew."""

        self.html = {
            language: StaticFile.of(self._render(language).encode(), "text/html")
            for language in LANGUAGES
        }
        """The page by language; texts of all travel with it, so that a switch is instant."""

    def _render(self, language: str) -> str:
        return self._template.render(
            language=language,
            languages=LANGUAGES,
            texts=self.texts,
            t=self.texts[language],
            version=self.version,
        )
