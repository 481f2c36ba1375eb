"""The register's own TLS: what cookies and headers are then."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.access.test_pages import token_of
from tests.e2e.certificates import Authority
from tests.support.central import Centre
from tests.support.registry import PASSWORD

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Somebody at a register that speaks TLS, who trusts its authority and no other."""
    folder: Path = tmp_path_factory.mktemp("tls")
    authority = Authority.new(folder, "ca")
    issued = authority.server("register", "127.0.0.1")
    with Centre.started("serve") as centre:
        centre.token("administrator")
        centre.stop("serve")
        config = centre.folder / "central.toml"
        files = f'certificate = "{issued.cert}"\nkey = "{issued.key}"\n'
        config.write_text(config.read_text().replace("[devices]", files + "[devices]"))
        centre.start("serve")
        url = f"https://127.0.0.1:{centre.http_port}"
        context = ssl.create_default_context(cafile=authority.ca)
        with httpx.Client(base_url=url, verify=context, timeout=30) as client:
            yield client


def test_cookies_come_by_tls_alone_and_from_this_very_host(secure: httpx.Client) -> None:
    page = secure.get("/sign-in")
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    form = {"account": "administrator", "password": PASSWORD, "csrf": token_of(secure, "/sign-in")}
    answer = secure.post("/sign-in", data=form, headers={"Origin": str(secure.base_url)})
    assert answer.status_code == 303
    given = [
        cookie
        for cookie in [*page.headers.get_list("set-cookie"), *answer.headers.get_list("set-cookie")]
        if "Max-Age=0" not in cookie
    ]
    assert {each.partition("=")[0] for each in given} == {
        "__Host-gjurma_visit",
        "__Host-gjurma_session",
        "__Host-gjurma_known",
    }
    for each in given:
        assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(each.split("; "))
        assert "Domain" not in each
    assert secure.get("/account").status_code == 200
    assert secure.get("/?lang=en").headers["set-cookie"].endswith("Secure")
    plain = str(secure.base_url).replace("https:", "http:")
    foreign = secure.post("/sign-out", data={"csrf": token_of(secure)}, headers={"Origin": plain})
    assert foreign.status_code == 403


def test_nobody_is_answered_in_the_clear(secure: httpx.Client) -> None:
    plain = str(secure.base_url).replace("https:", "http:")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{plain}/sign-in")
