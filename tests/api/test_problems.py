"""Every error is a problem document, in the language that is wished, and tells no insides."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from central import problems
from central.api.description import Described
from central.api.limit import SmallBodies
from central.errors import (
    DatabaseUnavailable,
    GjurmaError,
    IssueGuardUnreadable,
    NotFound,
    RegisterError,
    TooMany,
)
from central.problems import Problem, kinds
from central.register.imports.models import ADVICE
from central.screens import texts
from central.screens.texts import LANGUAGES, Language, wished


class Body(BaseModel, extra="forbid"):
    name: str


def app() -> FastAPI:
    made = Described(Problem)
    problems.install(made)
    made.add_middleware(SmallBodies, largest=1000)

    def fail(error: Exception) -> Any:
        def endpoint() -> None:
            raise error

        return endpoint

    for name, error in {
        "missing": NotFound("no licence L-9"),
        "often": TooMany("5 passwords were tried within a minute"),
        "away": DatabaseUnavailable("connection to 10.1.2.3 as gjurma failed"),
        "broken": ValueError("a secret of ours"),
        "unforeseen": IssueGuardUnreadable("/media/numbers/issued: damaged"),
    }.items():
        made.get(f"/{name}")(fail(error))

    @made.get("/things/{name}")
    def look(name: str) -> str:
        return name

    @made.post("/things/{name}")
    def change(name: str, body: Body) -> Body:
        return body

    return made


async def ask(method: str, path: str, **more: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://register") as http:
        return await http.request(method, path, **more)


async def test_a_problem_says_what_to_do() -> None:
    answer = await ask("GET", "/missing")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-language"] == "en"
    assert answer.headers["vary"] == "Accept-Language"
    assert answer.json() == {
        "type": "urn:gjurma:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "no licence L-9",
        "code": "not-found",
        "where": "/missing",
        "what_to_do": "Check the name; it has to be entered first.",
    }


async def test_it_says_so_in_albanian_where_that_is_wished() -> None:
    answer = await ask("GET", "/missing", headers={"Accept-Language": "sq-AL,en;q=0.5"})
    assert answer.headers["content-language"] == "sq"
    told = answer.json()
    assert (told["title"], told["what_to_do"]) == (
        "Nuk u gjet",
        "Kontrolloni emrin; duhet të regjistrohet më parë.",
    )
    assert (told["detail"], told["code"]) == ("no licence L-9", "not-found")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("de", "en"),
        ("sq", "sq"),
        ("SQ-al", "sq"),
        ("de, sq;q=0.3", "sq"),
        ("en;q=0.4, sq;q=0.5", "sq"),
        ("sq;q=0.4, en;q=0.5", "en"),
        ("sq, en", "sq"),
        ("sq;q=0", "en"),
        ("sq;q=odd, en;q=0.1", "en"),
    ],
)
def test_the_language_that_is_liked_best(header: str | None, language: Language) -> None:
    assert wished(header) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_stands_in_the_catalogues_and_nothing_else(language: Language) -> None:
    wanted = {text for kind in kinds() for text in (kind.title, kind.what_to_do)}
    wanted |= set(ADVICE.values())
    wanted |= {f"page\x04{text}" for text in wanted if "/api/" in text}
    assert set(texts.load(language, "problems").by_key) == wanted


def test_no_error_goes_out_under_a_code_that_is_not_told() -> None:
    """An error below one that is told has an entry of its own, since its code is its own."""
    told = {kind.code for kind in kinds()}

    def below(error: type[GjurmaError]) -> list[type[GjurmaError]]:
        return [error, *(each for child in error.__subclasses__() for each in below(child))]

    for error in below(RegisterError):
        assert error is RegisterError or error.code in told, error


def test_a_code_is_one_problem() -> None:
    codes = [kind.code for kind in kinds()]
    assert len(set(codes)) == len(codes)
    assert all(kind.meaning for kind in kinds())


async def test_who_has_to_wait_is_told_how_long() -> None:
    assert (await ask("GET", "/often")).headers["retry-after"] == "60"


@pytest.mark.parametrize("path", ["/away", "/broken", "/unforeseen"])
async def test_what_happens_inside_is_told_to_nobody(path: str) -> None:
    answer = await ask("GET", path)
    assert answer.status_code == (503 if path == "/away" else 500)
    assert answer.headers["content-type"] == "application/problem+json"
    for inside in ("10.1.2.3", "secret", "/media", "Traceback"):
        assert inside not in answer.text


async def test_another_method_is_answered_with_those_that_there_are() -> None:
    answer = await ask("PUT", "/things/x")
    assert (answer.status_code, answer.json()["code"]) == (405, "http-405")
    assert answer.headers["allow"] == "GET, POST"


def chunks(size: int) -> Any:
    async def sent() -> AsyncIterator[bytes]:
        for _ in range(size // 100):
            yield b"x" * 100

    return sent()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", (422, "refused")),
        (b"\xff", (400, "http-400")),
        (b'{"name": "x", "\\ud800": 1}', (422, "refused")),
        (b'{"name": "' + b"x" * 1000 + b'"}', (413, "http-413")),
        (chunks(2000), (413, "http-413")),
    ],
)
async def test_a_body_that_is_none(content: bytes, code: tuple[int, str]) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await ask("POST", "/things/x", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == code


def test_the_description_names_what_a_route_can_answer() -> None:
    change = app().openapi()["paths"]["/things/{name}"]["post"]["responses"]
    assert set(change) == {"200", "400", "404", "413", "422", "503"}
    schema = {"$ref": "#/components/schemas/Problem"}
    assert change["422"]["content"] == {"application/problem+json": {"schema": schema}}
