"""The demo's store: a store with two bays, and the code by which a phone becomes its device.

Each start invites the device anew, so that whoever opens the demo can enrol a browser; until
somebody does, the device is only entered.
"""

from pathlib import Path
from typing import Any

import httpx

from simulators.demo.officer import Officer, remember

DEVICE = "gramsh.phone-1"
PLACES = (
    ("umgs.gramsh", "site", None, "Uzina Mekanike e Gramshit"),
    ("umgs.depo", "store", "umgs.gramsh", "Depoja e armëve"),
    ("umgs.depo-a1", "bay", "umgs.depo", "Rafti A1"),
    ("umgs.depo-a2", "bay", "umgs.depo", "Rafti A2"),
)
AT = "umgs.depo"
HOURS = 24


async def open_store(officer: Officer, entity: str) -> None:
    """The places and the device, where they are not there yet. Raises `RuntimeError`."""
    for code, kind, parent, name in PLACES:
        place = {"code": code, "kind": kind, "parent": parent, "name": name, "entity": entity}
        await _enter(officer, "/places", code, place)
    await _enter(officer, "/devices", DEVICE, {"name": DEVICE, "place": AT})


async def phone_address(officer: Officer, kept: Path) -> str:
    """It opens the warehouse app and enrols it, once, within a day; written beside the sign-ins."""
    asked = {"reason": "demonstrim", "hours": HOURS}
    invited = await officer.post(f"/devices/{DEVICE}/invite", asked)
    address = f"{officer.base_url}/warehouse/#enrol={DEVICE},{invited['code']}"
    remember(kept, "phone", address)
    return address


async def _enter(officer: Officer, path: str, key: str, body: dict[str, Any]) -> None:
    async with officer.client() as http:
        known = await http.get(f"/api/v1{path}/{key}")
    if known.status_code == httpx.codes.NOT_FOUND:
        await officer.post(path, body)
