"""Questions of devices: answered by the signature of a device's newest key, and by nothing else."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from central.api.questions import QUESTION
from gateway.contract.batch import BatchHeader, first_head, next_head
from gateway.contract.question import Question, encode_question
from gateway.contract.receipt import decode_receipt
from gateway.contract.record import ClockState, Observed, Opened, encode_record
from gateway.contract.signed import SigningKey, key_id
from simulators.scanner import BATCH, Scanner
from tests.register.telling import UII, Told
from tests.support.store import Store, symbol

pytestmark = pytest.mark.slow
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def asked(store: Store, payload: bytes, media: str = QUESTION) -> httpx.Response:
    address = f"{store.centre.url}/api/v1/questions"
    return store.http.post(address, content=payload, headers={"Content-Type": media})


def answer(store: Store, scanner: Scanner, asks: str, **more: Any) -> Any:
    fields = {"gateway": scanner.name, "epoch": scanner.epoch, "at": datetime.now(UTC)}
    question = Question.model_validate(fields | {"asks": asks} | more)
    response = asked(store, encode_question(question, scanner.key))
    return response.json() if response.status_code == 200 else response.json()["code"]


def test_a_device_learns_where_the_register_disagrees(store: Store) -> None:
    scanner = store.device()
    scanner.scan("put-away", symbol(40))
    scanner.scan("put-away", "NOTHING-LIKE-THAT")
    store.deliver(scanner)
    told = answer(store, scanner, "disagreements")
    assert (told["epoch"], told["committed"], told["concluded"]) == (1, 3, 3)
    assert [(each["seq"], each["verdict"]) for each in told["items"]] == [(3, "flagged")]
    assert answer(store, scanner, "disagreements", first=4)["items"] == []


def test_of_anothers_things_a_device_learns_neither_holder_nor_place(store: Store) -> None:
    post = store.centre.post
    post("/api/v1/entities", {"code": "OTH", "name": "Tjetri"})
    post("/api/v1/places", {"code": "OTH.S", "kind": "site", "entity": "OTH", "name": "Tjetri"})
    post("/api/v1/devices", {"name": "tjetri.phone-1", "place": "OTH.S"})
    thief = store.enrol("tjetri.phone-1", store.folder / "thief")
    Told(store.centre)("stored", UII.format(43), place="UMG.D1")
    thief.scan("move", symbol(43), place="OTH.S")
    store.deliver(thief)
    (told,) = answer(store, thief, "disagreements")["items"]
    (found,) = told["articles"]
    assert (found["article"], found["verdict"]) == (UII.format(43), "not-held")
    assert (found["holder"], found["place"]) == (None, None)
    (code,) = answer(store, thief, "codes", codes=[symbol(43)])["items"]
    assert {key for key, value in code.items() if value} == {"code", "known"}


def test_a_device_learns_its_places_and_what_codes_name(store: Store) -> None:
    scanner = store.device()
    work = answer(store, scanner, "work")
    assert (work["device"], work["entity"], work["place"]) == (scanner.name, "UMG", "UMG.D1")
    assert work["working"] is True
    assert {"UMG.GR", "UMG.D1", "UMG.D2"} <= {place["code"] for place in work["places"]}
    found = answer(store, scanner, "codes", codes=[symbol(41), "NOTHING", symbol(41)])["items"]
    assert [each["known"] for each in found] == ["own", "unknown", "own"]
    assert found[0]["article"] == UII.format(41)
    assert found[0]["disposition"] == "commissioned"


def test_nobody_else_is_answered(store: Store) -> None:
    scanner = store.device()
    scanner.send(store.http)
    own = scanner.key
    scanner.key = SigningKey.new()
    assert answer(store, scanner, "work") == "bad-signature"
    scanner.key = own
    assert answer(store, scanner, "work", gateway="no.body") == "bad-signature"
    assert answer(store, scanner, "work", epoch=2) == "bad-signature"
    late = datetime.now(UTC) - timedelta(days=2)
    assert answer(store, scanner, "work", at=late) == "refused"
    batch = scanner.batch(1, 1)
    assert asked(store, batch).json()["code"] == "bad-signature", "a batch asks nothing"
    assert asked(store, batch, "application/json").status_code == 415
    again = store.enrol(scanner.name, store.folder / f"{scanner.name}-again", "wiped")
    assert answer(store, scanner, "work") == "bad-signature", "its former epoch has ended"
    assert answer(store, again, "work")["device"] == scanner.name


class Browser:
    """Signs as a browser's key store does: P-256, with s in the lower half."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.public = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.CompressedPoint
        )

    def signed(self, kind: str, line: bytes, *, upper: bool = False) -> bytes:
        message = f"gjurma/v1/{kind}\n".encode() + line
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(SHA256())))
        s = max(s, ORDER - s) if upper else min(s, ORDER - s)
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return line + b"\n" + key_id(self.public).encode() + b" " + base64.b64encode(raw)


def test_a_p_256_key_is_a_streams_key(store: Store) -> None:
    name, browser = "gramsh.phone-1", Browser()
    store.centre.post("/api/v1/devices", {"name": name, "place": "UMG.D1"})
    code = store.centre.post(f"/api/v1/devices/{name}/invite", {})["code"]
    form = {"code": code, "gateway": name, "reason": "new"}
    no_point = store.http.post(
        f"{store.centre.url}/enroll", json=form | {"public": "02" + "0" * 62 + "07"}
    )
    assert no_point.status_code == 422
    told = store.http.post(
        f"{store.centre.url}/enroll", json=form | {"public": browser.public.hex()}
    ).json()
    head = first_head(name, told["epoch"], bytes.fromhex(told["previous_head"]))
    common: dict[str, Any] = {"at": datetime.now(UTC), "clock": ClockState(synced=True)}
    lines = [
        encode_record(Opened(seq=1, salt="0" * 32, reason="new", **common)),
        encode_record(
            Observed(seq=2, salt="1" * 32, purpose="put-away", codes=(symbol(42),), **common)
        ),
    ]
    first = next_head(head, lines[0])
    header = BatchHeader(
        gateway=name,
        epoch=1,
        boot="1-0123456789abcdef",
        first=1,
        last=2,
        prev=head.hex(),
        head=next_head(first, lines[1]).hex(),
    )

    def bring(upper: bool) -> httpx.Response:
        payload = b"\n".join((browser.signed("batch", header.line(), upper=upper), *lines))
        return store.http.post(
            f"{store.centre.url}/api/v1/batches", content=payload, headers={"Content-Type": BATCH}
        )

    assert bring(True).json()["code"] == "bad-signature"
    keys = {key["id"]: bytes.fromhex(key["public"]) for key in told["keys"]}
    receipt = decode_receipt(bring(False).content, keys.get)
    assert (receipt.committed, receipt.latch) == (2, None)
    question = Question(gateway=name, epoch=1, at=datetime.now(UTC), asks="work")
    response = asked(store, browser.signed("question", question.line()))
    assert response.json()["device"] == name
