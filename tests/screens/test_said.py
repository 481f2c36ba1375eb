"""What an item's page says of a record: a camera's read names its picture."""

import json
from typing import Any

import pytest

from central.queries.models import LifeEntry
from central.screens.texts import LANGUAGES, Language, load
from central.screens.words import said
from tests.contract.wire import PICTURES, RECORDS

LABELS = {"sq": "fotografia (SHA-256)", "en": "picture (SHA-256)"}


def told(line: bytes, language: Language) -> dict[str, str]:
    record = json.loads(line)
    shown: Any = LifeEntry
    entry: LifeEntry = shown.model_construct(type=record["type"], says=record)
    return dict(said(entry, load(language)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_read_names_its_picture(language: Language) -> None:
    for line in PICTURES:
        assert told(line, language)[LABELS[language]] == json.loads(line)["picture"]
    assert "est. B" in told(PICTURES[0], language).values()
    older = [line for line in RECORDS if json.loads(line)["type"] == "verified"]
    assert older
    for line in older:
        assert LABELS[language] not in told(line, language)
