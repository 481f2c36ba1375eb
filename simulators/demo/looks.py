"""Before a camera: how many of the marks that the optics spoiled were set aside, and of the others.

What is spoiled is decided by the pictures alone (`simulators.optics.spoiled`), and is worked out
anew from the metal here; that a picture could not be read, only the camera's driver can have found.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulators.demo.audit import Found
from simulators.optics import EFFECTS, Optics, spoiled
from simulators.part import FILE, PartStore

SPOILED = 0.03
"""Of the marks that a camera sees in a run with faults: each by one effect, some of them hardly."""


@dataclass(frozen=True)
class Looks:
    """Marks at a camera's station. What met one piece of a weapon can have scrapped the others too:
    neither they nor what another fault met are counted.
    """

    pieces: frozenset[int]
    """Those with a mark that was spoiled, whatever else met them."""
    spoiled: int = 0
    spoiled_aside: int = 0
    others: int = 0
    others_aside: int = 0

    def counts(self) -> dict[str, int]:
        """For the demo's last line."""
        return {
            "spoiled": self.spoiled,
            "spoiled_set_aside": self.spoiled_aside,
            "others": self.others,
            "others_set_aside": self.others_aside,
        }

    def said(self) -> str:
        return (
            f"the camera: of {self.spoiled} marks that the optics spoiled, {self.spoiled_aside} set"
            f" aside; of {self.others} others, {self.others_aside}"
        )


def looked(state: Path, station: str, places: Sequence[Found], met: Collection[int]) -> Looks:
    """`places` is what the register says of each; the pieces in `met` were met by other faults."""
    parts = PartStore(state / FILE)
    try:
        engravings = parts.engraved(station)
    finally:
        parts.close()
    plain = Optics()
    spoils = {
        (each.piece, each.position): spoiled(each, plain, SPOILED, tuple(EFFECTS)) is not plain
        for each in engravings
        if each.piece is not None
    }
    elsewhere = {each.uii for each in places if each.place[0] in met}
    seen = [each for each in places if each.place in spoils and each.uii not in elsewhere]
    bad = [each for each in seen if spoils[each.place]]
    scrapped = {each.uii for each in bad}
    others = [each for each in seen if each.uii not in scrapped]
    return Looks(
        frozenset(place[0] for place, is_bad in spoils.items() if is_bad),
        len(bad),
        sum(each.state != "good" for each in bad),
        len(others),
        sum(each.state != "good" for each in others),
    )
