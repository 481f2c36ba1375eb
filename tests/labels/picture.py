"""The picture of the documentation: a pallet's label and a crate's, as their PDF looks.

python -m tests.labels.picture
"""

from pathlib import Path

from PIL import Image

from central.labels import labels
from tests.labels.drawn import CRATE, PALLET, rasterised

FILE = Path(__file__).parents[2] / "docs" / "label.png"
DPI = 140
_GAP, _DESK = 24, 205


def main() -> None:
    sheets = [
        rasterised(labels.as_pdf(PALLET, "sq"), DPI),
        rasterised(labels.as_pdf(CRATE, "en"), DPI),
    ]
    wide, high = sheets[0].size
    picture = Image.new("L", (2 * wide + 3 * _GAP, high + 2 * _GAP), _DESK)
    for index, sheet in enumerate(sheets):
        picture.paste(sheet, (_GAP + index * (wide + _GAP), _GAP))
    picture.quantize(16).save(FILE, optimize=True)


if __name__ == "__main__":
    main()
