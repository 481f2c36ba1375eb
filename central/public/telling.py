"""An answer that is everybody's: caches may keep it, and its tag names its very bytes.

The address alone decides what is answered: no cookie is looked at, and none is given.
"""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

MAX_AGE_S = 60
_SHARED = {"Cache-Control": f"public, max-age={MAX_AGE_S}", "Vary": "Accept-Encoding"}
_LEAST = 1000
"""Bytes: less than that is one packet anyway."""
_LEVEL = 6
_CHUNK = 64 * 1024


def whole(
    request: Request,
    body: bytes,
    media_type: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Something that fits into memory. It repeats no secret, so that it may be compressed."""
    compressed = _compresses(request) and len(body) >= _LEAST
    tag = _tag(hashlib.sha256(body), compressed)
    more = _SHARED | {"ETag": tag} | dict(headers or {})
    if status == 200 and _is_known(request, tag):
        return Response(status_code=304, headers=more)
    if compressed:
        body = gzip.compress(body, _LEVEL, mtime=0)
        more["Content-Encoding"] = "gzip"
    return Response(body, status, media_type=media_type, headers=more)


def streamed(
    request: Request, parts: Callable[[], Iterator[str]], media_type: str, name: str
) -> Response:
    """Something long, a part at a time: once for its tag, and once more to send it. `parts` gives
    the same each time; `name`: of the file, empty where it is none."""
    found = hashlib.sha256()
    for part in parts():
        found.update(part.encode())
    compressed = _compresses(request)
    tag = _tag(found, compressed)
    headers = _SHARED | {"ETag": tag}
    if _is_known(request, tag):
        return Response(status_code=304, headers=headers)
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if compressed:
        headers["Content-Encoding"] = "gzip"
    body = _chunks(parts, compressed)
    return StreamingResponse(body, media_type=media_type, headers=headers)


def _chunks(parts: Callable[[], Iterator[str]], compressed: bool) -> Iterator[bytes]:
    packing = zlib.compressobj(_LEVEL, wbits=31) if compressed else None
    held = bytearray()
    for part in parts():
        held += part.encode() if packing is None else packing.compress(part.encode())
        if len(held) >= _CHUNK:
            yield bytes(held)
            held.clear()
    yield bytes(held) if packing is None else bytes(held) + packing.flush()


def _tag(digest: "hashlib._Hash", compressed: bool) -> str:
    return f'"{digest.hexdigest()[:32]}{"-gzip" if compressed else ""}"'


def _compresses(request: Request) -> bool:
    return "gzip" in request.headers.get("Accept-Encoding", "")


def _is_known(request: Request, tag: str) -> bool:
    """Whether who asks has it already; by the weak comparison, as RFC 9110 has it here."""
    told = request.headers.get("If-None-Match", "")
    known = [each.strip().removeprefix("W/") for each in told.split(",")]
    return tag in known or "*" in known
