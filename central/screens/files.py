"""The static files: read once, compressed once, under addresses that change with their content."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from central.screens import texts
from central.screens.headers import CONTENT_SECURITY_POLICY
from central.screens.texts import LANGUAGES, Language
from gateway import design

OWN = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
_KINDS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
_IMPORT = re.compile(r'^(?:import|export)\b[^"\n]*"\./([\w-]+\.js)";', re.MULTILINE)
_WORDS = "texts.js"
"""The script that says words: a page with it is given those of its language, and no other page."""


@dataclass(frozen=True)
class File:
    """Its bytes, as they are and compressed."""

    body: bytes
    compressed: bytes
    kind: str

    @classmethod
    def of(cls, name: str, body: bytes) -> "File":
        return cls(body, gzip.compress(body, 9, mtime=0), _KINDS[Path(name).suffix])


class Files:
    """Serves some files by name; nobody has to ask for one twice."""

    def __init__(self, files: Mapping[str, File], headers: Mapping[str, str] | None = None) -> None:
        """`headers`: what these have besides."""
        self._files = files
        self._headers = headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._answer(Request(scope))
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        name = request.scope["path"].removeprefix(request.scope["root_path"]).lstrip("/")
        file = self._files.get(name)
        if file is None or request.method not in ("GET", "HEAD"):
            return PlainTextResponse("Not found", 404, {"Cache-Control": "no-store"})
        headers = {**self._headers, "Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return Response(file.body, media_type=file.kind, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(file.compressed, media_type=file.kind, headers=headers)


def words(language: Language) -> str:
    """The name of the script that holds a language's texts."""
    return f"words-{language}.js"


def _read(folder: Path) -> Iterator[tuple[str, File]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _KINDS:
            name = path.relative_to(folder).as_posix()
            yield name, File.of(name, path.read_bytes())


def _spoken(language: Language) -> bytes:
    told = json.dumps(texts.load(language).by_key, ensure_ascii=False, sort_keys=True)
    return f"export default {told};\n".encode()


def _of_the_app(language: Language) -> bytes:
    """A text that counts has two forms."""
    told = texts.load(language, "warehouse")
    forms = {
        key: [one, told.several[key]] if key in told.several else one
        for key, one in told.by_key.items()
    }
    return json.dumps(forms, ensure_ascii=False, sort_keys=True).encode()


def _digest(files: Mapping[str, File]) -> str:
    found = hashlib.sha256()
    for name, file in sorted(files.items()):
        found.update(hashlib.sha256(name.encode() + b"\0" + file.body).digest())
    return found.hexdigest()[:16]


_ALL = dict(_read(OWN))
_VENDOR = {name: file for name, file in _ALL.items() if name.startswith("vendor/")}
_BUILT = {name: file for name, file in _ALL.items() if name.startswith("app/")}
_PAGES = {name: file for name, file in _ALL.items() if name not in _VENDOR | _BUILT} | {
    words(language): File.of(words(language), _spoken(language)) for language in LANGUAGES
}
APP = {name.removeprefix("app/"): file for name, file in _BUILT.items()} | {
    f"words-{language}.json": File.of(f"words-{language}.json", _of_the_app(language))
    for language in LANGUAGES
}
"""The warehouse app's, as setup built them, and its texts."""
_DESIGN = dict(_read(design.STATIC))
DESIGN_AT = f"/static/design/{_digest(_DESIGN)}"
"""Where the design system's files are."""
PAGES_AT = f"/static/pages/{_digest(_PAGES)}"
"""Where the pages' own style sheets and scripts are."""
APP_AT = f"/static/app/{_digest(APP)}"
WASM = CONTENT_SECURITY_POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
"""The policy of what decodes pictures, which is WebAssembly of our own."""


def vendor(name: str, file: str) -> str:
    """The address of a third party's file; raises `FileNotFoundError` where setup did not run."""
    found = next(
        (each for each in _VENDOR if re.fullmatch(rf"vendor/{name}-[^/]+/{file}", each)), ""
    )
    if not found:
        raise FileNotFoundError(f"{name}/{file} is not here: `make setup` brings it")
    return f"/static/{found}"


@cache
def modules(script: str, language: Language) -> tuple[str, ...]:
    """What a script imports, at whatever depth; a page names them, and all are fetched at once."""
    found: list[str] = []
    waiting = [script]
    while waiting:
        source = _PAGES[waiting.pop()].body.decode()
        fresh = [each for each in _IMPORT.findall(source) if each not in (script, *found)]
        found += dict.fromkeys(fresh)
        waiting += fresh
    return (*found, words(language)) if _WORDS in found else tuple(found)


def install(app: FastAPI) -> None:
    app.mount(DESIGN_AT, Files(_DESIGN), name="design")
    app.mount(PAGES_AT, Files(_PAGES), name="pages")
    app.mount(APP_AT, Files(APP, {"Content-Security-Policy": WASM}), name="app")
    app.mount("/static", Files(_VENDOR), name="vendor")
