"""Damage to a journal's files, as a bad disk does it."""

from gateway.pages import FRAME_HEADER, LOG_HEADER, log_of
from tests.crash.site import Site

PAGE = 4096


def flip_in_the_file(site: Site) -> None:
    """Flip a byte of a record that was delivered; the gateway has stopped as it should."""
    content = bytearray(site.journal.read_bytes())
    content[content.index(b'"type":"opened"') + 9] ^= 0x20
    site.journal.write_bytes(content)


def flip_in_the_log(site: Site) -> None:
    """Flip a byte of the log's third page, after a power cut: SQLite drops what follows."""
    log = log_of(site.journal)
    content = bytearray(log.read_bytes())
    content[LOG_HEADER + 2 * (FRAME_HEADER + PAGE) + FRAME_HEADER + PAGE - 80] ^= 0x20
    log.write_bytes(content)
