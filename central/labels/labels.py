"""A unit's label in either form and either language."""

from central.labels import pdf, zpl
from central.labels.content import Label
from central.labels.layout import lay_out
from central.screens import texts
from central.screens.texts import LANGUAGES, Language

_TEXTS = {language: texts.load(language, "labels") for language in LANGUAGES}


def as_pdf(label: Label, language: Language) -> bytes:
    t = _TEXTS[language]
    return pdf.draw(lay_out(label, t), t("Label of unit {code}", code=label.code), language)


def as_zpl(label: Label, language: Language, dpmm: int, copies: int = 1) -> bytes:
    return zpl.draw(lay_out(label, _TEXTS[language]), dpmm, copies)
