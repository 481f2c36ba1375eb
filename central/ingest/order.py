"""Whether a mark is what its order gives: pure comparisons of one mark with the plan in force."""

from central.ingest.life import Mode
from central.ingest.naming import identified
from central.ingest.refusal import Refusal
from gateway.contract.plan import Due, Plan, PlanOrder, Verify
from gateway.contract.record import FromBlock, Mark, Readback
from gateway.contract.uii import UiiError


def check(mark: Mark, order: PlanOrder, number: int) -> None:
    """Raises `Refusal` where the mark says something else than the order gives for `number`."""
    _check_quantity(mark, order)
    _check_content(mark, order, number)
    if not _agrees(mark.readback, order.verify):
        raise Refusal("wrong-content", f"{order.id} is read back by {order.verify.mode}")


def mode_of(mark: Mark, order: PlanOrder | None) -> Mode:
    """How the mark has to be read back. Whoever says another way than the order reads each."""
    if order is not None and not _agrees(mark.readback, order.verify):
        return "elsewhere" if order.verify.mode == "elsewhere" else "each"
    return "each" if mark.readback is None else mark.readback.mode


def blocked(mark: Mark, plan: Plan) -> int:
    """The fresh number of a mark; raises `Refusal` if no block of the plan gives it."""
    source = mark.source
    assert isinstance(source, FromBlock)
    for block in plan.blocks:
        if (block.id, block.space, block.order) == (source.block, source.space, mark.order):
            if block.start <= source.number <= block.end:
                return source.number
            break
    raise Refusal("outside-block", f"{source.number} is not of a block of {mark.order}")


def is_due(mark: Mark, plan: Plan, number: int) -> bool:
    """Whether the plan names this further mark of a number that others have opened."""
    source = mark.source
    assert not isinstance(source, FromBlock)
    due = Due(
        do="mark",
        order=mark.order,
        number=number,
        component=mark.component,
        of=source.of,
        position=source.position,
    )
    return due in (plan.due or ())


def _agrees(readback: Readback | None, verify: Verify) -> bool:
    """A mark that does not say is read itself: that is `each`, and what `eye` stands in for."""
    if readback is None:
        return verify.mode in ("each", "eye")
    if readback.mode != verify.mode:
        return False
    return readback.mode != "sample" or readback.every == verify.every


def _check_quantity(mark: Mark, order: PlanOrder) -> None:
    if mark.kind != order.kind:
        raise Refusal("bad-quantity", f"{order.id} is for kind {order.kind}")
    if order.kind == "package":
        most = order.contents
        if mark.quantity is None or mark.quantity < 1 or (most and mark.quantity > most):
            raise Refusal("bad-quantity", f"a package of {order.id} holds 1 to {most}")
    elif mark.quantity not in (None, 1):
        raise Refusal("bad-quantity", "a serial number stands for one piece")


def _check_content(mark: Mark, order: PlanOrder, number: int) -> None:
    component = next((c for c in order.components if c.name == mark.component), None)
    if component is None:
        raise Refusal("wrong-content", f"{order.id} has no component {mark.component}")
    if mark.pieces not in (None, len(order.components)):
        raise Refusal("wrong-content", f"a number of {order.id} stands on {len(order.components)}")
    if mark.lot != order.lot:
        raise Refusal("wrong-content", f"the lot of {order.id} is {order.lot}")
    if mark.content != order.content(number, component):
        raise Refusal("wrong-content", f"not what {order.id} gives for {number}")
    try:
        item = identified(mark.content)  # which the order gives: it was compared just now
    except UiiError as error:
        raise Refusal("wrong-content", f"names no item: {error}") from error
    if (mark.item.uii, mark.item.elements) != (item.uii, item.elements):
        raise Refusal("wrong-content", f"the item is {item.uii}")
