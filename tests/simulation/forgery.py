"""What somebody may publish who got at the broker and has none of our keys.

Each is what the true sender would say at that moment, or worse; only the signature is a stranger's.
"""

from central.register.numbers.models import block_id
from gateway.contract.batch import BatchHeader, encode_batch, next_head
from gateway.contract.plan import Block, encode_plan
from gateway.contract.receipt import Receipt, encode_receipt
from gateway.contract.signed import SigningKey
from tests.central.memory import Register
from tests.simulation.machine import Machine

KEY = SigningKey.from_bytes(bytes(32))
FAR = 10**6
"""Beyond every number, version and incarnation that is given out."""


def receipt(machine: Machine, register: Register) -> bytes | None:
    """All is committed, says a register of a later time than the true one."""
    core = machine.core
    if core is None:
        return None
    journal = core.journal
    said = Receipt(
        gateway=machine.name,
        epoch=journal.epoch,
        boot=core.boot,
        at=machine.clock.wall(),
        incarnation=register.incarnation + FAR,
        committed=journal.end,
        head=journal.head.hex(),
    )
    return encode_receipt(said, KEY)


def plan(machine: Machine) -> bytes | None:
    """The plan in force, with numbers that nobody issued."""
    core = machine.core
    accepted = None if core is None else core.permission.plan
    if accepted is None or not accepted.blocks:
        return None
    known = accepted.blocks[0]
    name = block_id(known.space, FAR)
    block = Block(id=name, space=known.space, start=FAR, end=FAR + 9, order=known.order)
    update = {"version": accepted.version + FAR, "blocks": (block,)}
    return encode_plan(accepted.model_copy(update=update), KEY)


def records(machine: Machine, register: Register) -> bytes | None:
    """A record that the gateway never wrote, after the last one that the register holds."""
    core = machine.core
    stream = None if core is None else register.streams.get((machine.name, core.journal.epoch))
    if core is None or stream is None:
        return None
    body = b"{}"
    header = BatchHeader(
        gateway=machine.name,
        epoch=stream.epoch,
        boot=core.boot,
        first=stream.committed + 1,
        last=stream.committed + 1,
        prev=stream.head.hex(),
        head=next_head(stream.head, body).hex(),
    )
    return encode_batch(header, [body], KEY)
