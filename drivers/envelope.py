"""The ISO/IEC 15434 envelope that a job's Data Matrix adds by itself (ECC 200 macro 05 or 06)."""

from typing import Literal

Macro = Literal["05", "06", "none"]
"""The macro that a stored job's 2D code uses; `none`: the content is engraved as it is sent."""

_TRAILER = "\x1e\x04"


def body_of(content: str, macro: Macro) -> str:
    """What has to be sent so that the job's code engraves `content`. Raises ValueError."""
    if macro == "none":
        return content
    header = f"[)>\x1e{macro}\x1d"
    if not content.startswith(header) or not content.endswith(_TRAILER):
        raise ValueError(f"the job's code carries an envelope of format {macro} only")
    return content[len(header) : -len(_TRAILER)]
