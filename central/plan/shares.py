"""How many numbers of an order a gateway is given now, where it shares the order or not."""

from collections.abc import Sequence


def level(held: Sequence[int], wanted: int) -> int:
    """The height to which `wanted` numbers fill all gateways, the emptiest first.

    `held`: how many each holds; whole numbers only, so that what cannot be divided is left over.
    """
    rising = sorted(held)
    for filled, (here, above) in enumerate(zip(rising, [*rising[1:], None], strict=True), start=1):
        if above is None or wanted < filled * (above - here):
            return here + wanted // filled
        wanted -= filled * (above - here)
    return 0


def quota(
    here: int, others: Sequence[int], wanted: int, ahead: int, reserve: int, tray: int = 1
) -> int:
    """The size of the block to issue now, or 0.

    `here` and `others`: unspent numbers in hand; `wanted`: how many the order still needs issued;
    `ahead`: what a gateway may hold, and `reserve`: what it comes down to before it is given more.
    Nobody is filled above the level that all could be filled to,
    save for one tray, so that the last numbers go to whoever asks.
    """
    ahead = max(ahead, tray)
    if wanted <= 0 or here >= max(tray, reserve):
        return 0
    fair = level((here, *others), wanted)
    if fair - here >= wanted:  # all that is left, the others have theirs
        return min(wanted, ahead - here)
    target = min(ahead, fair)
    target = max(target - target % tray, tray)
    size = min(wanted, target - here)
    # Not a block for each number spent: where the level sinks slowly, as great a part of it as of
    # `ahead` is used up first.
    return size if here < tray or here * ahead < reserve * target else 0
