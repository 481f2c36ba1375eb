"""A centre whose watch tells a real mail server and a real web server."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from central.alerts.process import ONLY_ONE
from simulators import broker
from tests.alerts.servers import Hooks
from tests.support.central import Centre
from tests.support.wait import wait_for

DUTY = "roje@register.example"


class Scene:
    """A centre whose watch tells a mail server and a web server."""

    def __init__(self, centre: Centre, post: int, hooks: Hooks) -> None:
        self.centre = centre
        self.post = post
        self.hooks = hooks
        self._base = (centre.folder / "central.toml").read_text()
        self._events = 0

    def watch(self, rules: str = "", more: str = "") -> None:
        """Start the watch anew, so configured; `rules` are keys of [alerts]."""
        if "watch" in self.centre.programs:
            assert self.centre.stop("watch") == 0
        (self.centre.folder / "central.toml").write_text(
            f'{self._base}\n[alerts]\n{rules}\n[alerts.mail]\nhost = "127.0.0.1"\n'
            f'port = {self.post}\nsecurity = "none"\nsender = "gjurma@register.example"\n'
            f'to = ["{DUTY}"]\nlanguage = "en"\n[[alerts.webhook]]\nname = "ministry"\n'
            f'url = "http://127.0.0.1:{self.hooks.port}/alerts"\n{more}'
        )
        self.centre.start("watch")
        locks = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
        wait_for("the watch", lambda: self.centre.sql(locks, ONLY_ONE))

    def alerts(self, rule: str, subject: str = "") -> list[dict[str, Any]]:
        where = f"&subject={subject}" if subject else ""
        found: list[dict[str, Any]] = self.centre.get(f"/api/v1/alerts?rule={rule}{where}")["items"]
        return found

    def raised(self, rule: str, subject: str) -> dict[str, Any]:
        """The one alert of that rule and subject, whole."""
        found = wait_for(f"{rule} of {subject}", lambda: self.alerts(rule, subject))
        assert len(found) == 1
        return dict(self.centre.get(f"/api/v1/alerts/{found[0]['number']}"))

    def told(self, what: str, article: str, ago: float = 0.0, **more: Any) -> str:
        """Report an event of so many minutes ago; returns its number."""
        self._events += 1
        number = f"E-{self._events}"
        happened = datetime.now(UTC) - timedelta(minutes=ago)
        body = {"number": number, "what": what, "happened": happened.isoformat()}
        tell = self.centre.decide if what == "destroyed" else self.centre.post
        tell("/api/v1/events", body | {"articles": [article], **more})
        return number

    def calls(self, number: str) -> list[tuple[dict[str, str], bytes]]:
        return [call for call in self.hooks.calls if number.encode() in call[1]]

    def caught_up(self) -> None:
        """The watch has looked at every act and every batch."""
        acts = self.centre.sql("SELECT max(id) FROM act WHERE subject <> 'alert'")[0][0]
        batches = self.centre.sql("SELECT max(id) FROM batch")[0][0]
        where = "SELECT position FROM watched WHERE source = %s"

        def at(source: str) -> int:
            return int((self.centre.sql(where, source) or [(0,)])[0][0])

        wait_for("the watch", lambda: at("act") >= acts and at("batch") >= batches)


@contextmanager
def made(centre: Centre) -> Iterator[Scene]:
    with Hooks.started() as hooks:
        yield Scene(centre, broker.free_port(), hooks)


def verified(scene: Scene, headers: dict[str, str], body: bytes) -> None:
    """As who receives it does: by the public key alone."""
    told = (scene.centre.folder / "keys" / "alert.pub").read_text().strip()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(told.removeprefix("whpk_")))
    version, _, signature = headers["webhook-signature"].partition(",")
    assert version == "v1a"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key.verify(base64.b64decode(signature), signed)
    age = datetime.now(UTC).timestamp() - int(headers["webhook-timestamp"])
    assert -1 <= age < 60
