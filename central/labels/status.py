"""What a Zebra printer answers to `~HS`, by the ZPL II Programming Guide (Host Status Return).

    <STX>aaa,b,c,dddd,eee,f,g,h,iii,j,k,l<ETX><CR><LF>     b paper out, c pause, k cold, l hot
    <STX>mmm,n,o,p,q,r,s,t,uuuuuuuu,v,www<ETX><CR><LF>     o head up, p ribbon out
    <STX>xxxx,y<ETX><CR><LF>

Pure. Newer editions of the guide say that a printer which is out of paper or ribbon, or whose head
is open, does not answer at all: silence may mean each of them, or that the model knows no `~HS`.
"""

import re
from typing import Literal

ASK = b"~HS"
Fault = Literal[
    "paper-out", "ribbon-out", "head-open", "paused", "buffer-full", "too-cold", "too-hot"
]
_STRING = re.compile(rb"\x02([0-9A-Za-z,]*)\x03\r\n")
_STRINGS = 3
_FLAGS: tuple[tuple[int, int, Fault], ...] = (
    (0, 1, "paper-out"),
    (1, 3, "ribbon-out"),
    (1, 2, "head-open"),
    (0, 2, "paused"),
    (0, 5, "buffer-full"),
    (0, 10, "too-cold"),
    (0, 11, "too-hot"),
)
"""String and place in it, both from 0, and what a 1 there means."""


def is_whole(answer: bytes) -> bool:
    return len(_STRING.findall(answer)) >= _STRINGS


def faults(answer: bytes) -> tuple[Fault, ...] | None:
    """None where the answer is none that the guide describes."""
    strings = [string.split(b",") for string in _STRING.findall(answer)[:_STRINGS]]
    if [len(string) for string in strings] != [12, 11, 2]:
        return None
    return tuple(fault for string, place, fault in _FLAGS if strings[string][place] == b"1")
