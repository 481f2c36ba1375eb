"""A batch as a whole: who signed it, where it belongs, and what its overlap says."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from central.ingest.facts import Dropped, Evidence, Writes
from gateway.contract.record import KeyChanged
from gateway.contract.signed import SigningKey
from tests.central.scene import GATEWAY, OTHER, Scene
from tests.support.examples import examples
from tests.support.peer import Journal


def evidence(outcome: object, reason: str) -> Evidence:
    assert isinstance(outcome, Evidence), outcome
    assert outcome.reason == reason
    return outcome


def committed(scene: Scene) -> int:
    return scene.register.streams[GATEWAY, 1].committed


def test_another_gateways_topic() -> None:
    scene = Scene()
    outcome = scene.register.receive(OTHER, scene.journal.batch(1, 2))
    assert evidence(outcome, "wrong-topic").answer is False
    assert committed(scene) == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"\x00" * 100,
        lambda payload: payload.partition(b"\n")[2],
        lambda payload: payload + b"\n{}",
        lambda payload: payload.replace(b'"v":1', b'"v":2'),
    ],
)
def test_bytes_that_are_no_batch(spoil: Callable[[bytes], bytes]) -> None:
    scene = Scene()
    payload = spoil(scene.journal.batch(1, 2))
    outcome = evidence(scene.register.receive(GATEWAY, payload), "unreadable")
    assert outcome.payload == payload


def test_a_key_that_is_not_this_gateways() -> None:
    scene = Scene()
    scene.journal.key = SigningKey.new()
    outcome = scene.register.receive(GATEWAY, scene.journal.batch(1, 2))
    assert evidence(outcome, "bad-signature").answer is False
    assert scene.register.evidence
    assert committed(scene) == 0


def test_a_signature_of_another_header() -> None:
    scene = Scene()
    one, two = scene.journal.batch(1, 2), scene.journal.batch(1, 1)
    payload = one.split(b"\n")[0] + b"\n" + b"\n".join([two.split(b"\n")[1], *one.split(b"\n")[2:]])
    evidence(scene.register.receive(GATEWAY, payload), "bad-signature")


def test_records_that_the_header_does_not_commit_to() -> None:
    scene = Scene()
    payload = scene.journal.batch(1, 2).replace(b'"reason":"new"', b'"reason":"old"')
    evidence(scene.register.receive(GATEWAY, payload), "chain-broken")


def test_an_epoch_that_was_never_opened() -> None:
    scene = Scene()
    outcome = scene.register.receive(GATEWAY, scene.journal.batch(1, 2, epoch=3))
    assert evidence(outcome, "unknown-epoch").answer is False


@settings(max_examples=examples(3))
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@example(at=41, bit=1)  # the epoch's digit
def test_a_flipped_bit_never_commits(at: int, bit: int) -> None:
    scene = Scene()
    scene.good(1)
    payload = bytearray(scene.journal.batch(1, scene.journal.seq))
    payload[at % len(payload)] ^= 1 << bit
    assert isinstance(scene.register.receive(GATEWAY, bytes(payload)), Evidence)
    assert committed(scene) == 0
    assert scene.register.streams[GATEWAY, 1].state == "live"


def test_a_gap_is_dropped_and_answered() -> None:
    scene = Scene()
    assert scene.register.receive(GATEWAY, scene.journal.batch(2, 2)) == Dropped("gap")
    assert scene.register.evidence == []


def test_a_replay_is_dropped_and_answered() -> None:
    scene = Scene()
    payload = scene.journal.batch(1, 2)
    scene.register.receive(GATEWAY, payload)
    assert scene.register.receive(GATEWAY, payload) == Dropped("replay")
    assert committed(scene) == 2


def test_an_overlap_brings_its_new_end() -> None:
    scene = Scene()
    scene.good(1)
    scene.register.receive(GATEWAY, scene.journal.batch(1, 3))
    outcome = scene.register.receive(GATEWAY, scene.journal.batch(2, 5))
    assert isinstance(outcome, Writes)
    assert (outcome.first, outcome.last) == (4, 5)


def other_history(scene: Scene) -> Journal:
    """The same identity, and other records from 3 on."""
    journal = Journal(GATEWAY, 1, bytes(32), scene.journal.key)
    for line in scene.journal.lines[:2]:
        journal.write_bytes(line)
    journal.boot = scene.journal.boot
    journal.intent(journal.mark(scene.plan, "G-1", 50))
    return journal


@pytest.mark.parametrize(("first", "last"), [(1, 3), (2, 3), (3, 3), (4, 4), (3, 4)])
def test_a_fork(first: int, last: int) -> None:
    scene = Scene()
    fork = other_history(scene)
    fork.marked(3)
    scene.intent(1)
    scene.send()
    outcome = evidence(scene.register.receive(GATEWAY, fork.batch(first, last)), "forked")
    assert outcome.latch == "forked"
    assert scene.register.streams[GATEWAY, 1].state == "forked"
    later = evidence(scene.register.receive(GATEWAY, scene.journal.batch(1, 3)), "latched")
    assert later.answer


def test_an_older_boot_with_new_records_is_two_of_me() -> None:
    scene = Scene()
    clone = Journal(GATEWAY, 1, bytes(32), scene.journal.key)
    for line in scene.journal.lines:
        clone.write_bytes(line)
    clone.boot = scene.journal.boot
    scene.journal.restart()
    scene.send()
    clone.intent(clone.mark(scene.plan, "G-1", 1))
    outcome = evidence(scene.register.receive(GATEWAY, clone.batch(3, 3)), "two-of-me")
    assert outcome.latch == "two-of-me"
    assert committed(scene) == 2


def test_the_same_boot_of_another_process_is_two_of_me() -> None:
    scene = Scene()
    scene.send()
    scene.intent(1)
    scene.journal.boot = replace(scene.journal.boot, nonce="0123456789abcdef")
    evidence(scene.register.receive(GATEWAY, scene.journal.batch(3, 3)), "two-of-me")


def test_an_older_boot_that_forks_is_two_of_me() -> None:
    scene = Scene()
    fork = other_history(scene)
    scene.journal.restart()
    scene.intent(1)
    scene.send()
    evidence(scene.register.receive(GATEWAY, fork.batch(1, 3)), "two-of-me")


def test_a_late_replay_of_an_older_boot_latches_nothing() -> None:
    """A killed gateway's last batch, handed over by the broker after its next boot's first."""
    scene = Scene()
    scene.intent(1)
    late = scene.journal.batch(1, 3)
    scene.journal.restart()
    scene.journal.marked(3, "unknown")
    scene.send()
    assert scene.register.receive(GATEWAY, late) == Dropped("replay")
    assert scene.register.streams[GATEWAY, 1].state == "live"


def test_a_boot_counts_as_seen_when_a_batch_of_it_was_stored() -> None:
    scene = Scene()
    payload = scene.journal.batch(1, 2)
    scene.register.receive(GATEWAY, payload)
    scene.journal.restart()
    scene.register.receive(GATEWAY, scene.journal.batch(1, 2))
    seen = scene.register.streams[GATEWAY, 1].boot
    assert seen is not None
    assert seen.counter == 1


# --- keys ------------------------------------------------------------------------------------


def change_key(scene: Scene) -> SigningKey:
    """Journal the next key, signed by the old; returns it."""
    key = SigningKey.new()
    journal = scene.journal
    journal.write(KeyChanged(**journal.common(key=key.id, public=key.public.hex())))
    return key


def test_the_new_key_signs_from_the_next_record_on() -> None:
    scene = Scene()
    old = scene.journal.key
    new = change_key(scene)
    scene.send()
    scene.intent(1)
    evidence(scene.register.receive(GATEWAY, scene.journal.batch(4, 4)), "bad-signature")
    scene.journal.key = new
    scene.send()
    assert committed(scene) == 4
    evidence(scene.register.receive(GATEWAY, scene.journal.batch(1, 3)), "bad-signature")
    scene.journal.key = old
    assert scene.register.receive(GATEWAY, scene.journal.batch(1, 3)) == Dropped("replay")


def test_nothing_follows_a_key_change_in_its_batch() -> None:
    scene = Scene()
    change_key(scene)
    scene.intent(1)
    evidence(scene.register.receive(GATEWAY, scene.journal.batch(1, 4)), "bad-signature")
