"""Whether a mark is what its order gives: pure comparisons of one mark with the plan in force."""

from central.ingest.life import Mode
from central.ingest.naming import identified
from central.ingest.refusal import Refusal
from central.said import said
from gateway.contract.plan import Due, Plan, PlanOrder, Verify
from gateway.contract.record import FromBlock, Mark, Readback
from gateway.contract.uii import UiiError


def check(mark: Mark, order: PlanOrder, number: int) -> None:
    """Raises `Refusal` where the mark says something else than the order gives for `number`."""
    _check_quantity(mark, order)
    _check_content(mark, order, number)
    if not _agrees(mark.readback, order.verify):
        raise Refusal(
            "wrong-content",
            said("{order} is read back by {mode}", order=order.id, mode=order.verify.mode),
        )


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
    what = said("{number} is not of a block of {order}", number=source.number, order=mark.order)
    raise Refusal("outside-block", what)


def due(mark: Mark, plan: Plan) -> Due | None:
    """Return what the plan says of this further mark of a number that others have opened."""
    source = mark.source
    assert not isinstance(source, FromBlock)
    wanted = ("mark", mark.order, mark.component, source.of, source.position)
    return next(
        (
            found
            for found in plan.due or ()
            if (found.do, found.order, found.component, found.of, found.position) == wanted
        ),
        None,
    )


def _agrees(readback: Readback | None, verify: Verify) -> bool:
    """A mark that does not say is read itself: that is `each`, and what `eye` stands in for."""
    if readback is None:
        return verify.mode in ("each", "eye")
    if readback.mode != verify.mode:
        return False
    return readback.mode != "sample" or readback.every == verify.every


def _check_quantity(mark: Mark, order: PlanOrder) -> None:
    if mark.kind != order.kind:
        raise Refusal(
            "bad-quantity", said("{order} is for kind {kind}", order=order.id, kind=order.kind)
        )
    if order.kind == "package":
        most = order.contents
        if mark.quantity is None or mark.quantity < 1 or (most and mark.quantity > most):
            what = (
                said("a package of {order} holds 1 to {most}", order=order.id, most=most)
                if most
                else said("a package of {order} holds one piece or more", order=order.id)
            )
            raise Refusal("bad-quantity", what)
    elif mark.quantity not in (None, 1):
        raise Refusal("bad-quantity", said("a serial number stands for one piece"))


def _check_content(mark: Mark, order: PlanOrder, number: int) -> None:
    component = next((c for c in order.components if c.name == mark.component), None)
    if component is None:
        what = said(
            "{order} has no component {component}", order=order.id, component=mark.component
        )
        raise Refusal("wrong-content", what)
    if mark.pieces not in (None, len(order.components)):
        what = said(
            "a number of {order} stands on {count}", order=order.id, count=len(order.components)
        )
        raise Refusal("wrong-content", what)
    if mark.lot != order.lot:
        what = (
            said("{order} has no lot", order=order.id)
            if order.lot is None
            else said("the lot of {order} is {lot}", order=order.id, lot=order.lot)
        )
        raise Refusal("wrong-content", what)
    if mark.content != order.content(number, component):
        what = said("not what {order} gives for {number}", order=order.id, number=number)
        raise Refusal("wrong-content", what)
    try:
        item = identified(mark.content)  # which the order gives: it was compared just now
    except UiiError as error:
        what = said("names no item: {uii_fault}", uii_fault=error.code)
        raise Refusal("wrong-content", what) from error
    if (mark.item.uii, mark.item.elements) != (item.uii, item.elements):
        raise Refusal("wrong-content", said("the item is {uii}", uii=item.uii))
