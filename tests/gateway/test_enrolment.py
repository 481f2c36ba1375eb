"""Enrolment against a real HTTP server that answers as central does."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.agent import Seams, _begin, _Latched
from gateway.config import GatewayConfig
from gateway.contract.batch import first_head
from gateway.contract.encoding import parse_time
from gateway.contract.errors import JournalError, SignatureInvalid
from gateway.contract.plan import CentralKey, encode_plan
from gateway.contract.record import Opened
from gateway.contract.signed import SigningKey
from gateway.core import plan_in_force
from gateway.details import Detail
from gateway.enrolment import EnrolmentRefused, enrol
from gateway.guard import Guard, GuardFile, kept_mark
from gateway.identity import Identity, KeyDamaged, stored_plan
from gateway.inspection import verify
from gateway.latches import Latches
from gateway.store import newest_journal, open_journal
from tests.gateway.desk import Site, plan
from tests.gateway.records import GATEWAY

RECEIPTS, PLANS, LATER_PLANS, STRANGER = (SigningKey.from_bytes(bytes([n]) * 32) for n in range(4))


def public(key: SigningKey, use: str) -> dict[str, str]:
    return {"id": key.id, "use": use, "public": key.public.hex()}


@dataclass
class Central:
    """One answer, and what was asked for it."""

    status: int = 200
    body: bytes = b""
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def answers(self, number: int, **fields: object) -> None:
        self.body = json.dumps(
            {
                "gateway": GATEWAY,
                "epoch": number,
                "previous_head": "ab" * 32 if number > 1 else "00" * 32,
                "incarnation": 1_790_000_000,
                "keys": [public(RECEIPTS, "receipt"), public(PLANS, "plan")],
                "a field of a later release": 1,
                **fields,
            }
        ).encode()


@pytest.fixture
def central() -> Iterator[Central]:
    made = Central()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/enroll"
            length = int(self.headers["Content-Length"])
            made.asked.append(json.loads(self.rfile.read(length)))
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def config(folder: Path, url: str) -> GatewayConfig:
    return GatewayConfig.model_validate(
        {
            "gateway": GATEWAY,
            "journal": folder / "journal",
            "guard": {"path": folder / "usb" / "guard"},
            "broker": {"url": "mqtt://127.0.0.1"},
            "central": {"url": url},
            "station": [
                {
                    "name": "laser",
                    "marker": {"kind": "panasonic-lp", "url": "serial:///dev/ttyS0"},
                    "reader": {"kind": "zebra-ssi", "url": "serial:///dev/ttyS1"},
                }
            ],
        }
    )


def test_a_code_becomes_an_epoch(tmp_path: Path, central: Central) -> None:
    central.answers(1)
    settings = config(tmp_path, central.url)
    done = enrol(settings, "CODE-1", "new gateway", "f" * 64)
    assert (done.gateway, done.epoch) == (GATEWAY, 1)

    path = newest_journal(settings.journal)
    assert str(path) == done.journal
    assert path is not None
    identity = Identity.load(path)
    said = parse_time(central.asked[0].pop("at"))
    assert abs(datetime.now(UTC) - said) < timedelta(minutes=1)
    assert central.asked == [
        {
            "code": "CODE-1",
            "gateway": GATEWAY,
            "public": identity.key.public.hex(),
            "reason": "new gateway",
        }
    ]
    assert identity.public_key("receipt", None, RECEIPTS.id) == RECEIPTS.public
    assert identity.public_key("plan", None, RECEIPTS.id) is None
    assert path.with_suffix(".key").stat().st_mode & 0o077 == 0

    journal = open_journal(path, writable=False)
    (opened,) = journal.records()
    assert isinstance(opened, Opened)
    assert (opened.reason, opened.config) == ("new gateway", "f" * 64)
    assert opened.devices == {"laser/marker": "panasonic-lp", "laser/reader": "zebra-ssi"}
    assert Guard(GuardFile(settings.guard.path)).read().seq == 1
    assert verify(path).good


def test_the_next_epoch_leaves_the_former_journal_where_it_is(
    tmp_path: Path, central: Central
) -> None:
    settings = config(tmp_path, central.url)
    central.answers(1)
    former = Path(enrol(settings, "A", "new gateway", "").journal)
    known = Guard(GuardFile(settings.guard.path)).read()
    central.answers(2)
    newer = Path(enrol(settings, "B", "new disk", "").journal)
    assert Guard(GuardFile(kept_mark(former))).read() == known
    assert newest_journal(settings.journal) == newer
    assert open_journal(newer, writable=False).first_head == first_head(
        GATEWAY, 2, bytes.fromhex("ab" * 32)
    )
    assert Guard(GuardFile(settings.guard.path)).read().epoch == 2
    assert Identity.load(newer).key.id != Identity.load(former).key.id
    assert verify(former).good
    assert verify(newer).good


def test_while_the_gateway_runs_the_code_is_not_used(tmp_path: Path, central: Central) -> None:
    settings = config(tmp_path, central.url)
    central.answers(1)
    running = open_journal(Path(enrol(settings, "A", "new gateway", "").journal), writable=True)
    with pytest.raises(JournalError, match="another gateway process"):
        enrol(settings, "B", "new disk", "")
    assert len(central.asked) == 1
    running.close()


@pytest.mark.parametrize("reason", ["", "x" * 201, "two\nlines", "nul\0"])
def test_a_reason_that_no_record_holds_does_not_use_the_code(
    tmp_path: Path, central: Central, reason: str
) -> None:
    with pytest.raises(EnrolmentRefused, match="one line"):
        enrol(config(tmp_path, central.url), "A", reason, "")
    assert central.asked == []


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, b'{"code": "invitation", "detail": "the code is too old"}', "invitation: the code"),
        (500, b"<html>", "HTTP 500"),
        (404, b"[]", "HTTP 404"),
        (200, b"<html>", "the answer is not an enrolment"),
        (200, b'{"gateway": "gramsh.line-2"}', "the answer is not an enrolment"),
        (302, b"", "the answer is not an enrolment"),
    ],
)
def test_what_central_does_not_grant_leaves_nothing(
    tmp_path: Path, central: Central, status: int, body: bytes, words: str
) -> None:
    central.status, central.body = status, body
    settings = config(tmp_path, central.url)
    with pytest.raises(EnrolmentRefused, match=words):
        enrol(settings, "A", "new gateway", "")
    assert not settings.journal.exists()
    assert not list(settings.guard.path.parent.glob("*"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"gateway": "polican.line-1"}, "the code is for polican"),
        ({"epoch": 0}, "not an enrolment"),
        ({"previous_head": "00"}, "not an enrolment"),
        ({"keys": [public(PLANS, "plan")]}, "lacks a key"),
        ({"keys": []}, "lacks a key"),
    ],
)
def test_an_answer_that_cannot_be_right_leaves_nothing(
    tmp_path: Path, central: Central, fields: dict[str, object], words: str
) -> None:
    central.answers(1, **fields)
    settings = config(tmp_path, central.url)
    with pytest.raises(EnrolmentRefused, match=words):
        enrol(settings, "A", "new gateway", "")
    assert not settings.journal.exists()


def test_an_epoch_that_is_not_newer_than_the_one_here_is_refused(
    tmp_path: Path, central: Central
) -> None:
    settings = config(tmp_path, central.url)
    central.answers(5)
    path = enrol(settings, "A", "new gateway", "").journal
    for epoch in (5, 2):
        central.answers(epoch)
        with pytest.raises(EnrolmentRefused, match="restored from a backup"):
            enrol(settings, "B", "new disk", "")
    assert str(newest_journal(settings.journal)) == path
    assert verify(Path(path)).good


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[::1", "http://a b/"])
def test_a_central_that_is_not_there(tmp_path: Path, url: str) -> None:
    settings = config(tmp_path, "http://127.0.0.1:1/")
    unreachable = settings.central.model_copy(update={"url": url})
    with pytest.raises(EnrolmentRefused, match="/enroll"):
        enrol(settings.model_copy(update={"central": unreachable}), "A", "new gateway", "")


# -- the identity that it gave


async def test_a_damaged_key_has_a_page_that_says_what_to_do_and_ends_with_the_file(
    tmp_path: Path, central: Central
) -> None:
    settings = config(tmp_path, central.url)
    central.answers(1)
    path = Path(enrol(settings, "A", "new gateway", "").journal)
    secret = path.with_suffix(".key")
    whole = secret.read_text()
    secret.write_text(whole[:20])
    latched = await _begin(settings, path, Seams())
    assert isinstance(latched, _Latched)
    (cause,) = latched._latches.causes.values()
    assert isinstance(cause, Detail)
    assert (cause.code, list(latched._latches.causes)) == ("key-damaged", ["journal-corrupt"])
    assert "journal salvage" in cause
    assert whole[:20] not in cause
    secret.write_text(whole)
    assert not Latches.beside(path)  # it was never kept


def test_an_identity_that_is_not_whole_says_to_enrol_again(site: Site) -> None:
    with pytest.raises(KeyDamaged, match="enrol again"):
        Identity.load(site.path)
    keys = tuple(CentralKey.model_validate(public(k, "plan")) for k in (PLANS,))
    Identity(STRANGER, keys).save(site.path)
    assert Identity.load(site.path).central == keys
    for suffix, text in ((".key", "ab"), (".keys.json", "[{}]"), (".keys.json", "{")):
        Identity(STRANGER, keys).save(site.path)
        site.path.with_suffix(suffix).write_text(text)
        with pytest.raises(KeyDamaged, match="enrol again"):
            Identity.load(site.path)


def test_a_plan_key_that_central_changed_outlives_a_restart(site: Site) -> None:
    identity = Identity(STRANGER, (CentralKey.model_validate(public(PLANS, "plan")),))
    assert stored_plan(site.journal, identity) is None
    brings = CentralKey.model_validate(public(LATER_PLANS, "plan"))
    first = plan(version=1)
    second = plan(version=2).model_copy(update={"keys": (brings,)})
    third = plan(version=3).model_copy(update={"keys": (brings,)})
    for accepted, key in ((first, PLANS), (second, PLANS), (third, LATER_PLANS)):
        site.logbook.accept(accepted, encode_plan(accepted, key))
        assert plan_in_force(site.logbook, identity) == accepted


def test_a_stored_plan_that_no_key_leads_to_is_not_used(site: Site) -> None:
    identity = Identity(STRANGER, (CentralKey.model_validate(public(PLANS, "plan")),))
    for version in (1, 2):
        forged = plan(version=version).model_copy(
            update={"keys": (CentralKey.model_validate(public(LATER_PLANS, "plan")),)}
        )
        site.logbook.accept(forged, encode_plan(forged, LATER_PLANS))
    with pytest.raises(SignatureInvalid):
        stored_plan(site.journal, identity)
    assert plan_in_force(site.logbook, identity) is None
