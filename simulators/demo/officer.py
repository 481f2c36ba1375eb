"""The registry's office in the demo: an administrator, an officer, an account for each role."""

import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

ADMINISTRATOR, OFFICER = "administrator", "officer"
API = "/api/v1"
OF_THE_REGISTRY = {
    "registry-officer": "Arben Hoxha",
    "second-officer": "Drita Leka",
    "inspector": "Teuta Marku",
    "auditor": "Ilir Prifti",
}
OF_A_PRODUCER = {
    "operator": "Besnik Kola",
    "shift-lead": "Mira Dervishi",
    "warehouse": "Agim Shehu",
    "producer-officer": "Luan Basha",
}
"""Who has an account of each role; the administrator's is opened by the one-time code."""
ROLES = {"second-officer": "registry-officer"}
"""Of an account that is not named for its role: what is for good needs two officers."""


@dataclass
class Officer:
    """Who asks central's API with a token."""

    base_url: str
    token: str

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A path below the API's. Raises RuntimeError with the problem document's own words."""
        async with self.client() as http:
            response = await http.post(API + path, json=body)
        if response.status_code >= 400:
            raise RuntimeError(f"{path}: {response.text}")
        answer: dict[str, Any] = response.json()
        return answer

    def client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return httpx.AsyncClient(base_url=self.base_url, headers=headers, timeout=30)


async def open_office(base_url: str, setup_file: Path, kept: Path) -> Officer:
    """With the one-time code: an administrator, and an officer's account and token, kept in a file.

    What was kept is used again: accounts and tokens outlast the programs.
    """
    token = _kept_token(kept)
    if token is None:
        password = secrets.token_urlsafe(16)
        nobody = Officer(base_url, "")
        who = {"name": ADMINISTRATOR, "person": "Administratori i demonstrimit"}
        await nobody.post("/setup", {**who, "code": _take(setup_file), "password": password})
        session = await nobody.post("/sessions", {"account": ADMINISTRATOR, "password": password})
        administrator = Officer(base_url, session["token"])
        account = {"name": OFFICER, "person": "Zyrtari i demonstrimit"}
        await administrator.post("/accounts", {**account, "roles": ["registry-officer"]})
        asked = {
            "account": OFFICER,
            "role": "registry-officer",
            "purpose": "demonstrim",
            "until": (datetime.now(UTC) + timedelta(days=365)).isoformat(),
        }
        token = str((await administrator.post("/tokens", asked))["token"])
        _keep(
            kept,
            {
                "administrator": {"account": ADMINISTRATOR, "password": password},
                "officer": {"account": OFFICER, "token": token},
            },
        )
    return Officer(base_url, token)


@dataclass(frozen=True)
class SignIn:
    """By what one signs in on the registry's pages."""

    role: str
    account: str
    password: str


async def sign_ins(base_url: str, kept: Path, entity: str) -> list[SignIn]:
    """An account of each role, those of a producer for `entity`; the same ones when asked again."""
    value = _read(kept)
    administrator = value["administrator"]
    if "sign-ins" not in value:
        session = await Officer(base_url, "").post("/sessions", administrator)
        office = Officer(base_url, session["token"])
        value["sign-ins"] = {}
        for name, person in (OF_THE_REGISTRY | OF_A_PRODUCER).items():
            password = secrets.token_urlsafe(12)
            whose = {"entity": entity} if name in OF_A_PRODUCER else {}
            roles = [ROLES.get(name, name)]
            who = {"name": name, "person": person, "roles": roles, "password": password}
            await office.post("/accounts", {**who, **whose})
            value["sign-ins"][name] = {"account": name, "password": password}
        _keep(kept, value)
    all_of_them = {"administrator": administrator} | value["sign-ins"]
    return [SignIn(ROLES.get(name, name), **how) for name, how in all_of_them.items()]


def remember(kept: Path, what: str, told: str) -> None:
    """Beside the sign-ins, which nobody else may read."""
    _keep(kept, _read(kept) | {what: told})


def _kept_token(kept: Path) -> str | None:
    if not kept.exists():
        return None
    return str(_read(kept)["officer"]["token"])


def _read(kept: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(kept.read_text("utf-8"))
    return value


def _take(setup_file: Path) -> str:
    """The code is good once: its file goes."""
    code = setup_file.read_text("utf-8").strip()
    setup_file.unlink()
    return code


def _keep(path: Path, value: dict[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file)
    fresh.rename(path)
