"""Names that are alike and names that are not, and what makes no difference to either."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from central.register.exclusions.names import ALIKE, LEGAL_FORMS, alike, fold, similarity

# Made up, but for the three factories and the group they belong to.
SAME = [
    ("Arben Hoxha", "HOXHA, Arben"),
    ("Kombinati Mekanik i Poliçanit", "Kombinati Mekanik i Policanit"),
    ("Uzina e Mjekësit", "UZINA E MJEKESIT"),
    ("KAYO sh.a.", "Kayo Sha"),
    ("Alba Security sh.p.k.", "“Alba Security” SHPK"),
    ("Alba Security Sh. P. K.", "alba-security"),
    ("Balkan Arms d.o.o.", "Balkan Arms DOO"),
    ("Stahl GmbH & Co. KG", "Stahl"),
    ("Rossi S.p.A.", "Rossi Ltd."),
    ("Alba_Security", "Alba Security"),
    ("Đorđe Šarić", "Dorde Saric"),
    ("Straße ﬁn", "STRASSE FIN"),
]
LIKE = [
    # one mistake, or two in a long name
    ("Arben Hoxha", "Arben Hoxa"),
    ("Arben Hoxha", "Arben Hoxhaj"),
    ("Arben Hoxha", "Abren Hoxha"),
    ("Arben Hoxha", "Erben Hoxha"),
    ("Kombinati Mekanik i Poliçanit", "Kombinat Mekanik i Policant"),
    ("Uzina Mekanike e Gramshit", "Uzina Mekanike Gramsh"),
    # initials; some Albanian letters are written as two
    ("Arben Hoxha", "A. Hoxha"),
    ("Arben Hoxha", "HOXHA A"),
    ("Arben Hoxha", "A.Hoxha"),
    ("Shpëtim Hoxha", "Sh. Hoxha"),
    ("Shpëtim Hoxha", "S. Hoxha"),
    ("Gjergj Leka", "Gj. Leka"),
    ("Arben Bujar Hoxha", "A. B. Hoxha"),
    ("A.D. Hoxha", "Agim Dritan Hoxha"),
    # a word left out
    ("Arben Bujar Hoxha", "Arben Hoxha"),
    ("Arben (Bujar) Hoxha", "A. Hoxha"),
    ("Mira Hoxha", "Mira Hoxha Kola"),
    ("Alba Security", "Alba Security Group"),
    ("Arben Markuj", "Arben Marka Marku"),
    # blanks and articles
    ("Hassan Al-Bakri", "Hassan Albakri"),
    ("Hassan Al-Bakri", "Hassan El Bakri"),
    ("Alba Security", "Albasecurity"),
]
UNLIKE = [
    ("Kombinati Mekanik i Poliçanit", "Uzina Mekanike e Gramshit"),
    ("Uzina Mekanike e Gramshit", "Uzina Mekanike e Poliçanit"),
    ("Uzina Mekanike e Gramshit", "Uzina e Mjekësit"),
    ("Uzina Mekanike e Gramshit", "Uzina Mekanike"),
    ("Arben Hoxha", "Artan Hoxha"),
    ("Arben Hoxha", "Arben Kola"),
    ("Arben Papadhimitri", "Artan Papadhimitri"),
    ("Arben Bujar Hoxha", "Arben Kujtim Hoxha"),
    ("Arben B. Hoxha", "Arben Kujtim Hoxha"),
    ("Genti Marku", "Genci Marko"),
    ("Arben Hoxha", "B. Hoxha"),
    ("A. Shehaj", "B. Shehaj"),
    ("Sh. Kola", "Gj. Kola"),
    ("Arben Hoxha", "Hoxha"),
    ("Alba sh.p.k.", "Beta sh.p.k."),
    ("sh.p.k.", "Ltd"),
    ("Arben Hoxha", "-"),
]

NAMES = sorted({name for pair in (*SAME, *LIKE, *UNLIKE) for name in pair})
# Words of two letters and more: single letters next to each other may come to be a legal form.
WORDS = st.text("abcdefghijklmnopqrstuvxyzëçËÇABCDEFGHXZ", min_size=2, max_size=12)
NAME = st.lists(WORDS | st.sampled_from(LEGAL_FORMS), min_size=1, max_size=5)
ANY = st.sampled_from(NAMES) | st.text(max_size=30)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_same(one: str, other: str) -> None:
    assert fold(one) == fold(other) != ""
    assert similarity(one, other) == 1.0


@pytest.mark.parametrize(("one", "other"), LIKE)
def test_alike(one: str, other: str) -> None:
    assert ALIKE <= similarity(one, other) < 1.0
    assert alike(one, other)


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_not_alike(one: str, other: str) -> None:
    assert similarity(one, other) < ALIKE
    assert not alike(one, other)


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Kombinati Mekanik i Poliçanit", "i kombinati mekanik policanit"),
        ("  Xhevdet   SHEHU-Zhupa ", "shehu xhevdet zhupa"),  # sh, xh and zh stay
        ("KAYO sh.a.", "kayo"),
        ("Sh. A. Hoxha", "a hoxha sh"),  # initials
        ("Shaban Adami", "adami shaban"),  # no form within a word
        ("sh.p.k.", "k p sh"),
        ("Ltd", "ltd"),
        ("...", ""),
    ],
)
def test_fold(name: str, folded: str) -> None:
    assert fold(name) == folded


@pytest.mark.parametrize("form", LEGAL_FORMS)
def test_a_legal_form_makes_no_difference(form: str) -> None:
    for written in (form, form.upper(), form.replace(".", ""), f"({form})"):
        assert fold(f"Alba {written}") == fold(f"{written} Alba") == "alba"


@given(ANY, ANY)
@example("ab ab b", "ab b ba")
def test_symmetric(one: str, other: str) -> None:
    found = similarity(one, other)
    assert found == similarity(other, one)
    assert 0.0 <= found <= 1.0
    assert (found == 1.0) is (fold(one) == fold(other))


@given(ANY)
def test_reflexive(name: str) -> None:
    assert similarity(name, name) == 1.0


@given(NAME)
def test_what_makes_no_difference(words: list[str]) -> None:
    name = " ".join(words)
    for other in (
        name.replace("ë", "e").replace("Ë", "E"),
        name.replace("ç", "c").replace("Ç", "C"),
        name.replace("ë", "e\N{COMBINING DIAERESIS}"),
        name.upper(),
        name.lower(),
        f"“{name}”, ",
        "-".join(words),
        " / ".join(words),
        "\t".join(words),
        " ".join(reversed(words)),
        " ".join(sorted(words)),
    ):
        assert fold(other) == fold(name), other


LONGISH = ["Arben Hoxha", "Shpëtim Kastrioti", "Mirela Dervishi", "Kombinati Mekanik i Poliçanit"]


@given(st.sampled_from(LONGISH), st.data())
def test_one_mistake_in_a_longish_name_is_seen_through(name: str, data: st.DataObject) -> None:
    at = data.draw(st.sampled_from([i for i, c in enumerate(name) if c not in " i"]))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvxyzëç"))
    swapped = name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
    for mistaken in (
        name[:at] + name[at + 1 :],
        name[:at] + letter + name[at:],
        name[:at] + letter + name[at + 1 :],
        *([swapped] if name[at : at + 2].isalpha() else []),
    ):
        assert alike(name, mistaken), mistaken
