"""A unit's label in either form and either language."""

from central.labels import pdf, zpl
from central.labels.content import Label
from central.labels.layout import lay_out
from central.screens import texts
from central.screens.texts import Language


def as_pdf(label: Label, language: Language) -> bytes:
    t = texts.load(language, "labels")
    return pdf.draw(lay_out(label, t), t("Label of unit {code}", code=label.code), language)


def as_zpl(label: Label, language: Language, dpmm: int, copies: int = 1) -> bytes:
    return zpl.draw(lay_out(label, texts.load(language, "labels")), dpmm, copies)
