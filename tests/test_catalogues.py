"""Every text of the screens stands in Albanian and in English, with the same places to fill."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
LOCALES = ("gateway/design/locale", "gateway/screen/locale", "central/screens/locale")
LANGUAGES = ("sq", "en")
PLACE = re.compile(r"%\((\w+)\)|(?<!\{)\{(\w*)\}(?!\})")
"""What is filled; {{ and }} stand for braces that people read."""


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or [""])


def entries(catalog: Catalog) -> dict[tuple[str, ...], Message]:
    """Messages by id and context; the header, whose id is empty, left out."""
    return {(*forms(each.id), each.context or ""): each for each in catalog if each.id}


def faults_in(catalog: Catalog) -> list[str]:
    found = []
    for message in entries(catalog).values():
        ids, texts = forms(message.id), forms(message.string)
        if message.fuzzy:
            found.append(f"{ids[0]!r} is marked fuzzy")
        if not all(texts) or (message.pluralizable and len(texts) != catalog.num_plurals):
            found.append(f"{ids[0]!r} is not translated")
        # A singular may spell its number out, so each form may lack places but not invent them.
        known = set(PLACE.findall(" ".join(ids)))
        found += [
            f"{text!r} has other places to fill than {ids[0]!r}"
            for text in texts
            if text
            and (
                set(PLACE.findall(text)) - known
                or (not message.pluralizable and set(PLACE.findall(text)) != known)
            )
        ]
    return found


def faults_under(locale: Path) -> list[str]:
    """What is wrong under one `locale` folder, `<language>/LC_MESSAGES/<domain>.po`."""
    files = sorted(locale.rglob("*.po"))
    found = [
        f"{path.relative_to(locale)}: {fault}" for path in files for fault in faults_in(read(path))
    ]
    for domain in sorted({path.stem for path in files}):
        texts = {
            language: set(entries(read(path)))
            for language in LANGUAGES
            for path in files
            if path.stem == domain and path.relative_to(locale).parts[0] == language
        }
        every = set().union(*texts.values())
        for language in LANGUAGES:
            found += [
                f"{domain}: {key[0]!r} is not in {language}"
                for key in sorted(every - texts.get(language, set()))
            ]
    return found


@pytest.mark.parametrize("locale", LOCALES)
def test_every_text_is_translated(locale: str) -> None:
    assert faults_under(ROOT / locale) == []


def test_no_catalogue_lies_where_nobody_looks() -> None:
    known = [ROOT / locale for locale in LOCALES]
    folders = ("gateway", "central", "drivers", "simulators")
    strays = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.po")
        if not any(path.is_relative_to(locale) for locale in known)
    ]
    assert strays == []


HEADER = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def write(locale: Path, language: str, body: str) -> None:
    path = locale / language / "LC_MESSAGES" / "screen.po"
    path.parent.mkdir(parents=True)
    path.write_text(HEADER + body, encoding="utf-8")


def test_the_check_finds_each_fault(tmp_path: Path) -> None:
    write(
        tmp_path,
        "sq",
        'msgid "Start"\nmsgstr "Fillo"\n\n'
        'msgid "Stop"\nmsgstr ""\n\n'
        '#, fuzzy\nmsgid "Part"\nmsgstr "Pjesë"\n\n'
        'msgid "Order {id}"\nmsgstr "Porosia {nr}"\n\n'
        'msgid "{n} part"\nmsgid_plural "{n} parts"\nmsgstr[0] "një pjesë"\nmsgstr[1] ""\n',
    )
    write(tmp_path, "en", 'msgid "Start"\nmsgstr "Start"\n\nmsgid "Only"\nmsgstr "Only"\n')
    faults = "\n".join(faults_under(tmp_path))
    for expected in (
        "'Stop' is not translated",
        "'Part' is marked fuzzy",
        "'Porosia {nr}' has other places",
        "'{n} part' is not translated",
        "'Only' is not in sq",
        "'Stop' is not in en",
    ):
        assert expected in faults
    assert "'Start'" not in faults


def test_a_whole_catalogue_passes(tmp_path: Path) -> None:
    for language in LANGUAGES:
        write(
            tmp_path,
            language,
            'msgid "{n} part"\nmsgid_plural "{n} parts"\nmsgstr[0] "një"\nmsgstr[1] "{n} pjesë"\n',
        )
    assert faults_under(tmp_path) == []
