"""Reads a sentence back from the English that was kept of it.

    forms = Forms(("{code} is not {right}",), words={"right": "cell"})
    forms.read("S-1 is not the code of a place")

What is kept for good is kept in English, and people are told it in their own language. Of two forms
that fit, the first is taken; what none fits was said by an earlier release, or by a library.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from central.said import Said, Word

_CODE = r"\S+"
MOMENT = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*"


class Forms:
    """`words`: by a place's name, what kind of word stands in it; `patterns`: what may, where that
    is no code; a moment is read as one."""

    def __init__(
        self,
        messages: Iterable[str],
        *,
        words: Mapping[str, str],
        patterns: Mapping[str, str],
    ) -> None:
        self.messages = tuple(messages)
        self._words = words
        self._patterns = patterns
        self._forms = [(message, self._form(message)) for message in self.messages]

    def read(self, text: str) -> Said | None:
        """None where it has none of these forms."""
        for message, form in self._forms:
            found = form.fullmatch(text)
            if found is not None:
                named = found.groupdict().items()
                return Said(message, {name: self._value(name, value) for name, value in named})
        return None

    def _form(self, message: str) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", message)
        for at, name in enumerate(parts):
            pattern = self._patterns.get(name, _CODE)
            parts[at] = f"(?P<{name}>{pattern})" if at % 2 else re.escape(name)
        return re.compile("".join(parts), re.DOTALL)

    def _value(self, name: str, value: str) -> object:
        if self._patterns.get(name) == MOMENT:
            return datetime.fromisoformat(value)
        return Word(value, self._words[name]) if name in self._words else value
