"""A layout in ZPL II, with the printer's own commands for text, rules and symbols.

By the ZPL II Programming Guide: `^CI28` sets UTF-8, `^FH` puts any byte into field data as `_` and
two hexadecimal digits. Every byte of a text but letters, digits and a few signs is written so: no
text can hold a command, and what is sent is ASCII.
"""

from string import ascii_letters, digits

from central.labels.layout import HEIGHT, WIDTH, Field, Linear, Matrix, Rule, Text

MEDIA_TYPE = "application/zpl"
_PLAIN = frozenset((ascii_letters + digits + " .-").encode("ascii"))


def draw(fields: tuple[Field, ...], dpmm: int, copies: int = 1) -> bytes:
    """One format, from `^XA` to `^XZ`; it prints so many copies. `dpmm`: dots a millimetre, 8 on a
    printer of 203 dots an inch and 12 on one of 300."""

    def dots(millimetres: float) -> int:
        return round(millimetres * dpmm)

    lines = ["^XA", "^CI28", f"^PW{dots(WIDTH)}", f"^LL{dots(HEIGHT)}", "^LH0,0"]
    for field in fields:
        origin = f"^FO{dots(field.x)},{dots(field.y)}"
        match field:
            case Text():
                block = f"^FB{dots(field.room)},1,0,C" if field.centred else ""
                lines.append(f"{origin}^A0N,{dots(field.size)}{block}{data(field.text)}")
            case Rule():
                wide, high = dots(field.width), dots(field.height)
                lines.append(f"{origin}^GB{wide},{high},{min(wide, high)}^FS")
            case Linear():
                # Subset C and FNC1, then the digits in pairs; the check digit is among them.
                bars = f"^BY{dots(field.bar)}^BCN,{dots(field.height)},N,N,N,N"
                lines.append(f"{origin}{bars}^FD>;>8{field.value}^FS")
            case Matrix():
                lines.append(f"{origin}^BXN,{dots(field.module)},200{data(field.value)}")
    return "\n".join([*lines, f"^PQ{copies}", "^XZ", ""]).encode("ascii")


def data(text: str) -> str:
    """A field's data, as it can stand behind any command."""
    escaped = (chr(byte) if byte in _PLAIN else f"_{byte:02X}" for byte in text.encode("utf-8"))
    return f"^FH^FD{''.join(escaped)}^FS"
