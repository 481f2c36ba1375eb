"""An authenticator as a phone has it, written out after RFC 4226 and RFC 6238."""

import base64
import hashlib
import hmac
import time


def code(secret: str, *, steps: int = 0) -> str:
    """Of now, or of so many steps of thirty seconds later. `secret` is Base32, spaces and all."""
    return at(secret, int(time.time()) // 30 + steps)


def at(secret: str, step: int) -> str:
    key = base64.b32decode(secret.replace(" ", ""))
    digest = hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest()
    place = digest[19] & 0x0F
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
