"""When two names of persons or entities are alike, so that somebody has to look.

Screening is done by people: what is alike here is a question to an officer and decides nothing. It
therefore errs to the side of asking. Not recognised are names in two scripts (Хоџа and Hoxha) and
two spellings of a foreign name that differ in more letters than mistakes would (Qaddafi, Gadafi).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

ALIKE = 0.85
"""From here on two names are alike.

One letter in seven may be wrong: few names are shorter, so that one mistake passes, and two in a
name of 14 letters. At 0.8 two would pass in one of 10, and Genti Marku would be Genci Marko.
"""

LEGAL_FORMS = (
    *("sh.p.k.", "sh.a."),  # Albania, Kosovo
    *("Ltd", "Limited", "PLC", "LLP", "L.L.C.", "Inc", "Incorporated", "Corp", "Corporation"),
    *("Co", "Company"),
    *("GmbH", "AG", "KG"),
    *("S.p.A.", "S.r.l.", "SA", "S.A.S.", "BV", "NV"),
    *("d.o.o.", "dd", "AD", "OOD", "EOOD", "s.r.o.", "Şti", "AŞ"),
)
"""What says of a company only how it is organised; a working list.

The dots of a form may be left out. Of two letters only sh.a. has dots here, since `A.D. Hoxha` has
two initials; the price is that `Sh.A. Hoxha`, with no blank, has none.
"""

_INITIALS = frozenset(("dh", "gj", "ll", "nj", "rr", "sh", "th", "xh", "zh"))
"""The letters of the Albanian alphabet that are written as two: Sh. is the initial of Shpëtim."""

_DOUBT = 0.5
"""What an initial in the place of a word counts, and a word left out: half a wrong letter."""

_UNDIVIDED = str.maketrans({"đ": "d", "ı": "i", "ł": "l", "ø": "o"})
"""Letters of other alphabets that Unicode does not take apart into a letter and its mark."""

_WORD = re.compile(r"[^\W_]+")


def _plain(text: str) -> str:
    """Without case and without marks; ë is e, ç is c, š is s."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in parts if unicodedata.category(c) != "Mn").translate(_UNDIVIDED)


def _written(form: str) -> str:
    """The pattern of a legal form: `sh.p.k.` also stands as `shpk` and as `sh. p. k.`"""
    parts = [re.escape(part) for part in _plain(form).split(".") if part]
    # Sh. A. Hoxha is a person.
    dot = r"(?:\.\s*)?" if len(parts) > 2 else r"\.?"
    return dot.join(parts)


_LEGAL_FORM = re.compile(rf"(?<![^\W_])(?:{'|'.join(map(_written, LEGAL_FORMS))})(?![^\W_])")


def fold(name: str) -> str:
    """The words of a name in the order of the alphabet, with one blank between.

    Case, marks, punctuation and legal forms are gone. Letters that are written as two (sh, zh) stay
    as they are. A name of legal forms alone keeps them; one without a letter or digit gives "".
    """
    plain = _plain(name)
    words = _WORD.findall(_LEGAL_FORM.sub(" ", plain)) or _WORD.findall(plain)
    return " ".join(sorted(words))


def similarity(one: str, other: str) -> float:
    """The share of letters that agree, 0 to 1; 1 for names that fold to the same."""
    left, right = fold(one), fold(other)
    if left == right:
        return 1.0
    found = _by_words(left.split(), right.split())
    if left.count(" ") != right.count(" "):
        # Al Bakri and Albakri: a blank is a letter like others.
        length = max(len(left), len(right))
        found = max(found, (length - _distance(left, right)) / length)
    return found


def alike(one: str, other: str) -> bool:
    """Whether a person has to look if the two are one."""
    return similarity(one, other) >= ALIKE


def _by_words(left: Sequence[str], right: Sequence[str]) -> float:
    """Words are paired, the most similar first; a word that finds none is wrong in every letter.

    But a single word that only one side has, beside two that both have, may have been left out: the
    father's name between forename and surname, or `Group` after a company's.
    """
    same = Counter(left) & Counter(right)
    ours = list((Counter(left) - same).elements())
    theirs = list((Counter(right) - same).elements())
    pairs: list[tuple[float, int, int, float, int]] = []
    for i, word in enumerate(ours):
        for j, its in enumerate(theirs):
            found = _mistakes(word, its)
            if found is not None:
                mistakes, length = found
                pairs.append((mistakes / length, i, j, mistakes, length))
    letters = sum(map(len, same.elements()))
    wrong = 0.0
    agreed = same.total()
    ours_alone, theirs_alone = dict(enumerate(ours)), dict(enumerate(theirs))
    # Among pairs that are as similar, earlier words come first. From either side that makes the
    # same pairs: each word gets the earliest partner that no earlier word gets.
    for _, i, j, mistakes, length in sorted(pairs):
        if i in ours_alone and j in theirs_alone:
            del ours_alone[i], theirs_alone[j]
            wrong += mistakes
            letters += length
            agreed += 1
    alone = [*ours_alone.values(), *theirs_alone.values()]
    if len(alone) == 1 and agreed >= 2:
        wrong += _DOUBT
        letters += 1
    else:
        wrong += sum(map(len, alone))
        letters += sum(map(len, alone))
    return (letters - wrong) / letters


def _mistakes(one: str, other: str) -> tuple[float, int] | None:
    """How many letters are wrong, of how many, if both are one word; None when they are two."""
    if _is_initial(one) or _is_initial(other):
        return (_DOUBT, 1) if one.startswith(other) or other.startswith(one) else None
    length = max(len(one), len(other))
    allowed = max(1, length // 3)
    if abs(len(one) - len(other)) > allowed:
        return None
    distance = _distance(one, other)
    return (distance, length) if distance <= allowed else None


def _is_initial(word: str) -> bool:
    return len(word) == 1 or word in _INITIALS


def _distance(one: str, other: str) -> int:
    """Letters put in, left out, exchanged, or swapped with their neighbour, at least.

    Optimal string alignment: Levenshtein's distance, with a swap as one mistake.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        last, before, row = before, row, [i]
        for j, its in enumerate(other, start=1):
            fewest = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                fewest = min(fewest, last[j - 2] + 1)
            row.append(fewest)
    return row[-1]
