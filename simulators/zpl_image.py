"""A format as it comes out of the printer: black dots on white, one dot a pixel.

The printer's font 0 is drawn by a bold typeface made narrow. Unverified: the true font's widths.
"""

from functools import cache
from importlib.resources import files
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont
from pystrich.datamatrix import DataMatrixData, DataMatrixEncoder

from simulators.code128 import widths
from simulators.zpl import Field, Format

_NARROW = 0.72
_BASELINE = 0.78
"""Of a character's height, from the field's origin."""
_LIGHTEST = 140


def draw(label: Format) -> Image.Image:
    """What lies beyond the label's edge is not printed. Raises ValueError for a symbol that is
    none."""
    image = Image.new("L", (label.width, label.length), 255)
    for field in label.fields:
        match field.kind:
            case "text":
                _text(image, field)
            case "box":
                _box(image, field)
            case "code-128":
                _code_128(image, field)
            case "data-matrix":
                _data_matrix(image, field)
    return image.point(lambda value: 0 if value < _LIGHTEST else 255)


@cache
def _font(height: int) -> ImageFont.FreeTypeFont:
    data = files("reportlab").joinpath("fonts", "VeraBd.ttf").read_bytes()
    return ImageFont.truetype(BytesIO(data), height)


def _text(image: Image.Image, field: Field) -> None:
    font = _font(field.height)
    wide = int(font.getlength(field.text)) + 2
    line = Image.new("L", (wide, round(field.height * 1.3)), 255)
    baseline = round(_BASELINE * field.height)
    ImageDraw.Draw(line).text((0, baseline), field.text, fill=0, font=font, anchor="ls")
    narrow = _NARROW * (field.width / field.height if field.width else 1)
    line = line.resize((max(1, round(wide * narrow)), line.height), Image.Resampling.LANCZOS)
    x = field.x
    if field.block is not None and field.block[1] == "C":
        x += (field.block[0] - line.width) // 2
    image.paste(0, (x, field.y), line.point(lambda value: 255 - value))


def _box(image: Image.Image, field: Field) -> None:
    pen = ImageDraw.Draw(image)
    corners = ((field.x, field.y), (field.x + field.width - 1, field.y + field.height - 1))
    if 2 * field.thickness >= min(field.width, field.height):
        pen.rectangle(corners, fill=0)
    else:
        pen.rectangle(corners, outline=0, width=field.thickness)


def _code_128(image: Image.Image, field: Field) -> None:
    pen = ImageDraw.Draw(image)
    x = field.x
    for at, modules in enumerate(widths(field.data.decode("ascii"))):
        wide = modules * field.module
        if at % 2 == 0:
            pen.rectangle(((x, field.y), (x + wide - 1, field.y + field.height - 1)), fill=0)
        x += wide


def _data_matrix(image: Image.Image, field: Field) -> None:
    if field.quality != 200:
        raise ValueError(f"quality {field.quality}: only ECC 200 is drawn")
    content = DataMatrixData(field.data.decode("ascii"), encoding="ascii")
    symbol = DataMatrixEncoder(content, quiet_zone=0).get_pilimage(1).convert("L")
    side = symbol.width * field.module
    image.paste(symbol.resize((side, side), Image.Resampling.NEAREST), (field.x, field.y))
