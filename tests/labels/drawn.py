"""Labels of tests, and what a reader finds on a drawn one."""

from collections.abc import Iterable

import pypdfium2
import zxingcpp
from PIL import Image

from central.labels.content import Goods, Journey, Label, Party
from simulators.zpl import Format, Reader
from simulators.zpl_image import draw

SSCC, PLATE = "106141412345678908", "DA7G1H0000000012"
KMP = Party("Kombinati Mekanik i Poliçanit", "KMP", "A7P1H")
UMG = Party("Uzina Mekanike e Gramshit", "UMG", "A7G1H")
DEPOT = Party(
    "Reparti i Furnizimit dhe Mirëmbajtjes së Armatimit, Depoja Qendrore e Zall-Herrit", "RFMA.1"
)
ROUNDS = Goods(
    "Fishek 7,62 × 39 mm M43, me bërthamë çeliku",
    *("M43-762", "1305-59-123-4567", "7,62×39", ("KMP26L001-004",), 32, 28_160),
)
RIFLES = Goods("ASH-78 tip 1", "ASH78", "1005-59-000-1234", "7,62×39", (), 24)
PALLET = Label(SSCC, KMP, None, Journey("C-2026-0042", KMP, DEPOT), (ROUNDS,), 4)
CRATE = Label(PLATE, UMG, Party("Magazina nr. 3", "UMG.GR.M3"), None, (RIFLES,))
MIXED = Label(
    *(SSCC, UMG, None, None),
    tuple(
        Goods(f"Modeli {index}", None, None, "9×19", (f"L-{index}",), 40 - index)
        for index in range(11)
    ),
    3,
)
EMPTY = Label(PLATE, UMG)
LABELS = {"pallet": PALLET, "crate": CRATE, "mixed": MIXED, "empty": EMPTY}


def read(image: Image.Image) -> list[tuple[str, bytes]]:
    """Each symbol: what kind it says that it is (ISO/IEC 15424), and its content."""
    return [
        (found.symbology_identifier, found.bytes)
        for found in zxingcpp.read_barcodes(image, text_mode=zxingcpp.TextMode.Plain)
    ]


def symbol_of(label: Label) -> list[tuple[str, bytes]]:
    """What a reader has to find on it, and nothing else."""
    if len(label.code) == 18:
        return [("]C1", b"00" + label.code.encode())]
    return [("]d1", b"[)>\x1e06\x1dJ" + label.code.encode() + b"\x1e\x04")]


def rasterised(pdf: bytes, dpi: int = 203) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    try:
        assert len(document) == 1
        image: Image.Image = document[0].render(scale=dpi / 72).to_pil()
        return image.convert("L")
    finally:
        document.close()


def printed(zpl: bytes) -> tuple[Format, Image.Image]:
    """By the simulated printer, which knew every command."""
    reader = Reader()
    (found,) = reader.feed(zpl)
    assert isinstance(found, Format)
    assert reader.unknown == []
    return found, draw(found)


def ink(image: Image.Image) -> Iterable[int]:
    """Left, top, right and bottom of all that is dark, in dots."""
    box = image.point(lambda value: 255 if value < 128 else 0).getbbox()
    assert box is not None
    return box
