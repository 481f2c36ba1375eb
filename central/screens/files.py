"""The static files, and for how long a browser may keep each."""

import hashlib
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from gateway import design

OWN = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
ASKED_EACH_TIME = "no-cache"  # by its ETag, which costs an answer without a body


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        found.update(hashlib.sha256(path.name.encode() + b"\0" + path.read_bytes()).digest())
    return found.hexdigest()[:16]


DESIGN_AT = f"/static/design/{_digest(design.STATIC)}"
"""Where the design system's files are; the address changes with their content."""


def vendor(name: str, file: str) -> str:
    """The address of a third party's file; raises `FileNotFoundError` where setup did not run."""
    found = next(OWN.glob(f"vendor/{name}-*/{file}"), None)
    if found is None:
        raise FileNotFoundError(f"{name}/{file} is not here: `make setup` brings it")
    return f"/static/{found.relative_to(OWN).as_posix()}"


class _Files(StaticFiles):
    def __init__(self, directory: Path, *, for_ever: str) -> None:
        """What lies below `for_ever` has its version in its address."""
        super().__init__(directory=directory)
        self._for_ever = for_ever

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        held = path.startswith(self._for_ever)
        response.headers["Cache-Control"] = FOR_EVER if held else ASKED_EACH_TIME
        return response


def install(app: FastAPI) -> None:
    app.mount(DESIGN_AT, _Files(design.STATIC, for_ever=""), name="design")
    app.mount("/static", _Files(OWN, for_ever="vendor"), name="static")
