"""Unique item identification: published vectors, what is refused, and three invariants."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.uii import (
    Element,
    Envelope,
    Format,
    UiiError,
    adi_urn,
    component,
    component_element,
    decode,
    elements_key,
    encode,
    enterprises,
    identify,
    looks_like_uii,
    uii,
)

# V1-V3 are published examples (V1, V2: MIL-STD-130N figures on constructs with text element and
# data identifiers; V3: its figure on GS1 application identifiers). V4-V8 are composed from the
# rules of MIL-STD-130N table A-II and were checked with an independent decoder.
VECTORS = {
    "V1": (
        "[)>\x1e12\x1dCAG A3309\x1dSER 1234567\x1e\x04",
        Envelope("12", (Element("CAG", "A3309"), Element("SER", "1234567"))),
        "DA33091234567",
        "12:CAG=A3309,SER=1234567",
    ),
    "V2": (
        "[)>\x1e06\x1d18S7A72000000001\x1e\x04",
        Envelope("06", (Element("18S", "7A72000000001"),)),
        "D7A72000000001",
        "06:18S=7A72000000001",
    ),
    "V3": (
        "[)>\x1e05\x1d800406141419999960MH80312\x1d21MH80312\x1d950614141\x1d24099999\x1e\x04",
        Envelope(
            "05",
            (
                Element("8004", "06141419999960MH80312"),
                Element("21", "MH80312"),
                Element("95", "0614141"),
                Element("240", "99999"),
            ),
        ),
        "06141419999960MH80312",
        "05:8004=06141419999960MH80312",
    ),
    "V4": (
        "[)>\x1e06\x1d17V0CVA5\x1d1P1234-56\x1dS786950\x1e\x04",
        Envelope("06", (Element("17V", "0CVA5"), Element("1P", "1234-56"), Element("S", "786950"))),
        "D0CVA51234-56786950",
        "06:17V=0CVA5,1P=1234-56,S=786950",
    ),
    "V5": (
        "[)>\x1e06\x1d7LW81X9C\x1d1P3KL984PX1\x1dS2WMA52\x1e\x04",
        Envelope(
            "06", (Element("7L", "W81X9C"), Element("1P", "3KL984PX1"), Element("S", "2WMA52"))
        ),
        "LDW81X9C3KL984PX12WMA52",
        "06:7L=W81X9C,1P=3KL984PX1,S=2WMA52",
    ),
    "V6": (
        "[)>\x1e06\x1d12V194532636\x1d1P1234\x1dS786950\x1e\x04",
        Envelope(
            "06", (Element("12V", "194532636"), Element("1P", "1234"), Element("S", "786950"))
        ),
        "UN1945326361234786950",
        "06:12V=194532636,1P=1234,S=786950",
    ),
    "V7": (
        "[)>\x1e06\x1d17V0CVA5\x1d1TXYZ07D006-004\x1dS786950\x1e\x04",
        Envelope(
            "06", (Element("17V", "0CVA5"), Element("1T", "XYZ07D006-004"), Element("S", "786950"))
        ),
        "D0CVA5XYZ07D006-004786950",
        "06:17V=0CVA5,1T=XYZ07D006-004,S=786950",
    ),
    "V8": (
        "[)>\x1e06\x1d25SUN194532636786950\x1e\x04",
        Envelope("06", (Element("25S", "UN194532636786950"),)),
        "UN194532636786950",
        "06:25S=UN194532636786950",
    ),
}


@pytest.mark.parametrize(("content", "envelope", "name", "key"), VECTORS.values(), ids=VECTORS)
def test_vector_both_ways(content: str, envelope: Envelope, name: str, key: str) -> None:
    assert decode(content) == envelope
    assert encode(envelope) == content
    found = identify(content)
    assert (found.uii, found.elements, found.component) == (name, key, "")
    assert looks_like_uii(content)


def _06(*fields: str) -> str:
    return "\x1d".join(("[)>\x1e06", *fields)) + "\x1e\x04"


def _12(*fields: str) -> str:
    return "\x1d".join(("[)>\x1e12", *fields)) + "\x1e\x04"


def _05(*fields: str) -> str:
    return "\x1d".join(("[)>\x1e05", *fields)) + "\x1e\x04"


# The constructs that no vector above has.
@pytest.mark.parametrize(
    ("content", "name"),
    [
        (_06("3V0614141", "1P1234", "S786950"), "06141411234786950"),
        (_06("18VD0CVA5", "1TL7", "S786950"), "D0CVA5L7786950"),
        (_06("3V0614141", "1TL7", "S1"), "0614141L71"),
        (_06("7LW81X9C", "1TL7", "S1"), "LDW81X9CL71"),
        (_06("12V194532636", "1TL7", "S1"), "UN194532636L71"),
        (_06("25SLHA123X1"), "LHA123X1"),
        (_12("MFR 0CVA5", "UCN 7"), "D0CVA57"),
        (_12("SPL 0CVA5", "SER 7"), "D0CVA57"),
        (_12("DUN 194532636", "SER 7"), "UN1945326367"),
        (_12("EUC 0614141", "UCN 7"), "06141417"),
        (_12("CAG 0CVA5", "PNO 1234-56", "SEQ 786950"), "D0CVA51234-56786950"),
        (_12("DUN 194532636", "PNO 1234", "SEQ 786950"), "UN1945326361234786950"),
        (_12("EUC 0614141", "PNO 1234", "SEQ 786950"), "06141411234786950"),
        (_12("CAG 0CVA5", "PNO 1234-56", "SER 786950"), "D0CVA5786950"),
        (_12("CAG 0CVA5", "PNO 1", "LOT 22", "SEQ 3"), "D0CVA513"),
        (_05("800300614141000036A7"), "00614141000036A7"),
        # order in the symbol does not matter, 30P and 30T never count, nor does a part number
        # beside a serial number that is unique within the enterprise
        (_06("S786950", "30P999", "1P1234-56", "30TT1", "17V0CVA5"), "D0CVA51234-56786950"),
        (_06("18S7A72000000001", "1P55"), "D7A72000000001"),
    ],
)
def test_every_other_construct(content: str, name: str) -> None:
    assert identify(content).uii == name
    assert encode(decode(content)) == content


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (_06("17V0CVA5", "1P1", "S2"), {"17V": "0CVA5"}),
        (_06("18S7A72000000001"), {"18S": "7A720"}),
        (_06("18S7A72000000001", "17V0CVA5"), {"18S": "7A720", "17V": "0CVA5"}),
        (_06("18VD0CVA5", "1P1", "S2"), {"18V": "0CVA5"}),
        (_06("25SD0CVA5786950"), {"25S": "0CVA5"}),
        (_12("MFR A3309", "SER 1"), {"MFR": "A3309"}),
        (_12("SPL A3309", "SER 1"), {"SPL": "A3309"}),
        (_12("EUC DA3309", "PNO 1", "SEQ 2"), {"EUC": "A3309"}),
        # other agencies': DUNS, DoDAAC, GS1
        (_06("12V194532636", "1P1", "S2"), {}),
        (_06("7LDAAB07", "1P1", "S2"), {}),
        (_06("18VUN194532636", "1P1", "S2"), {}),
        (_06("25SUN194532636786950"), {}),
        (_06("3V0614141", "1P1", "S2"), {}),
        (_12("DUN 194532636", "SER 1"), {}),
        (_05("800406141419999960MH80312"), {}),
    ],
)
def test_the_nato_or_cage_codes_that_a_symbol_names(content: str, named: dict[str, str]) -> None:
    assert enterprises(decode(content)) == named


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "no-envelope"),
        ("18S7A72000000001", "no-envelope"),
        ("[)06\x1d18S7A72000000001\x1e\x04", "no-envelope"),
        ("[)>06\x1d18S7A72000000001\x1e\x04", "wrong-header"),
        ("[)>\x1e07\x1d18S7A72000000001\x1e\x04", "wrong-header"),
        ("[)>\x1e06" + "18S7A72000000001\x1e\x04", "wrong-header"),
        ("[)>\x1e06\x1e\x04", "wrong-header"),
        ("[)>\x1e06\x1d18S7A72000000001\x1e", "no-trailer"),
        ("[)>\x1e06\x1d18S7A72000000001\x04", "no-trailer"),
        ("[)>\x1e06\x1d18S7A72000000001\x1e12\x1dCAG A3309\x1dSER 1\x1e\x04", "several-formats"),
        (_06("18S7A72000000001", ""), "empty-element"),
        (_06("18S7A72000000001", "30P"), "empty-element"),
        (_06("18s7A72000000001"), "unknown-identifier"),
        (_06("1818S7A72000000001"), "unknown-identifier"),
        (_06("CAG A3309", "SER 1234567"), "bad-character"),  # S is an identifier here, SER none
        (_12("18S7A72000000001"), "unknown-identifier"),
        (_12("CAGA3309"), "unknown-identifier"),
        (_05("0412"), "unknown-identifier"),
        (_05("80"), "unknown-identifier"),
        (_06("17V0CVA5", "17V0CVA6", "1P1", "S1"), "duplicate-element"),
        (_06("17V0CVA5", "1PAK-7.62", "S786950"), "bad-character"),
        (_06("17V0CVA5", "1PAK-762", "Sabc"), "bad-character"),
        (_06("17V0CVA5", "1PAK 762", "S786950"), "bad-character"),
        (_06("18S7A72000000001", "30PSHKODËR"), "bad-character"),
        (_06("17V0CVA", "1P1", "S1"), "bad-enterprise"),
        (_06("17V0CVAO", "1P1", "S1"), "bad-enterprise"),
        (_06("12V19453263", "1P1", "S1"), "bad-enterprise"),
        (_06("7LW81X9", "1P1", "S1"), "bad-enterprise"),
        (_06("18S7A720"), "bad-enterprise"),
        (_06("25SXX1"), "bad-enterprise"),
        (_05("80040614141000000000000000000000000"), "bad-asset"),
        (_05("8003061414100003"), "bad-asset"),
        (_05("800300614141000036"), "missing-serial"),
        (_05("21MH80312", "950614141"), "not-identifying"),
        (_06("30P1", "30T2"), "not-identifying"),
        (_06("17V0CVA5", "1P1"), "missing-serial"),
        (_06("17V0CVA5", "S1"), "missing-part"),
        (_06("1P1", "S1"), "missing-enterprise"),
        (_12("CAG A3309", "SEQ 1"), "missing-part"),
        (_12("CAG A3309", "LOT 1", "SEQ 1"), "missing-part"),
        (_06("17V0CVA5", "1P1", "1T1", "S1"), "ambiguous"),
        (_06("17V0CVA5", "7LW81X9C", "1P1", "S1"), "ambiguous"),
        (_06("18S0CVA51", "17V0CVA5", "1P1", "S1"), "ambiguous"),
        (_12("CAG A3309", "PNO 1", "SEQ 1", "SER 2"), "ambiguous"),
        (_06("25SD" + "A" * 50), "uii-too-long"),
        (_06("17V0CVA5", "1P" + "A" * 32, "S" + "1" * 13), "uii-too-long"),
    ],
)
def test_refused(content: str, code: str) -> None:
    with pytest.raises(UiiError) as caught:
        identify(content)
    assert caught.value.code == code


def test_fifty_characters_are_allowed() -> None:
    assert len(identify(_06("25SD" + "A" * 49)).uii) == 50


@pytest.mark.parametrize(
    ("form", "elements", "code"),
    [
        ("07", (Element("18S", "7A72000000001"),), "wrong-header"),
        ("06", (), "empty-element"),
        ("06", (Element("", "1"),), "unknown-identifier"),
        ("06", (Element("18SX", "1"),), "unknown-identifier"),
        ("06", (Element("18S\x1d", "1"),), "unknown-identifier"),
        ("12", (Element("18S", "7A72000000001"),), "unknown-identifier"),
        ("05", (Element("80", "1"),), "unknown-identifier"),
        ("05", (Element("80041", "1"),), "unknown-identifier"),
        ("05", (Element("80०4", "1"),), "unknown-identifier"),
        ("06", (Element("30P", "A\x1dS1"),), "bad-character"),
        ("06", (Element("20P", "barrel"),), "bad-character"),
    ],
)
def test_an_envelope_that_could_not_be_read_back_is_never_made(
    form: Format, elements: tuple[Element, ...], code: str
) -> None:
    with pytest.raises(UiiError) as caught:
        Envelope(form, elements)
    assert caught.value.code == code


@pytest.mark.parametrize("form", ["05", "06", "12"])
def test_the_component_is_carried_beside_the_uii(form: Format) -> None:
    plain = {"05": VECTORS["V3"][1], "06": VECTORS["V4"][1], "12": VECTORS["V1"][1]}[form]
    barrel = Envelope(form, (*plain.elements, component_element(form, "BARREL")))
    slide = Envelope(form, (*plain.elements, component_element(form, "SLIDE")))
    assert component(plain) == ""
    assert identify(encode(barrel)).component == "BARREL"
    assert encode(barrel) != encode(slide)
    assert uii(barrel) == uii(slide) == uii(plain)
    assert elements_key(barrel) == elements_key(slide) == elements_key(plain)


def test_the_uii_alone_does_not_tell_items_apart() -> None:
    one = decode(_06("17V0CVA5", "1P12", "S34"))
    other = decode(_06("17V0CVA5", "1P123", "S4"))
    assert uii(one) == uii(other)
    assert elements_key(one) != elements_key(other)


@pytest.mark.parametrize(
    ("content", "urn"),
    [
        # GS1 Tag Data Standard's own example
        (
            _06("7LW81X9C", "1P3KL984PX1", "S2WMA-52"),
            "urn:epc:id:adi:W81X9C.3KL984PX1.2WMA-52",
        ),
        (_06("18S7A72000000001"), "urn:epc:id:adi:7A720..00000001"),
        (_12("CAG A3309", "SER 1/2"), "urn:epc:id:adi:A3309..1%2F2"),
        (_12("MFR A3309", "PNO 7", "SEQ 2"), "urn:epc:id:adi:A3309.7.2"),
    ],
)
def test_adi_name(content: str, urn: str) -> None:
    assert adi_urn(decode(content)) == urn


@pytest.mark.parametrize(
    "content",
    [
        VECTORS["V3"][0],
        VECTORS["V6"][0],
        VECTORS["V7"][0],
        VECTORS["V8"][0],
        _06("17V0CVA5", "1P" + "A" * 33, "S1"),
        _06("17V0CVA5", "1PA", "S" + "1" * 31),
    ],
)
def test_no_adi_name(content: str) -> None:
    with pytest.raises(UiiError) as caught:
        adi_urn(decode(content))
    assert caught.value.code == "no-adi"


@pytest.mark.parametrize(
    "content",
    [
        "[)>\x1e06\x1d18S7A72000000001",  # no trailer
        "[)>\x1eDD\x1dCAG A3309",  # a format that we do not read
        "[)>\x1e06\x1d17v0cva5\x1d1pak-7.62\x1ds1\x1e\x04",  # a wedge with the wrong case
        "06\x1d17V0CVA5\x1d1P1234-56\x1dS786950",  # header lost
        "17V0CVA5\x1d1PAK-7.62\x1dS786950",  # no envelope at all
        "CAG A3309\x1dSER 1234567",
        "18S7A72000000001",
        "25SUN194532636786950",
        "\x1d80040614141A1",
        "800300614141000036A7",
        "DA33091234567",
        "D0CVA51234-56786950",
        "UN194532636786950",
        "LDW81X9C3KL984PX12WMA52",
        "urn:epc:id:adi:A3309..1",
        " D7A72000000001\r\n",
    ],
)
def test_looks_like_a_uii(content: str) -> None:
    assert looks_like_uii(content)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\x1d",
        "8003520013019",  # EAN-13 of an Italian article: the digits of an identifier by chance
        "80041234",
        "4006381333931",
        "04006381333931",
        "LOT 7 BOX 12",
        "1P1234-56",
        "S786950",
        "XYZ07D006-004",
        "https://example.org/x",
        "Pjesë nr. 12",
    ],
)
def test_does_not_look_like_a_uii(content: str) -> None:
    assert not looks_like_uii(content)


_STRICT = st.text("ABCXYZ0129-/", min_size=1, max_size=14)
_FREE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20)
_CAGE = st.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=5, max_size=5)
_DUNS = st.text("0123456789", min_size=9, max_size=9)
_FORMATS: tuple[Format, ...] = ("05", "06", "12")
_VALUES: dict[Format, dict[str, st.SearchStrategy[str]]] = {
    "05": {
        "8003": st.builds("0{}{}".format, st.text("0123456789", min_size=13, max_size=13), _STRICT),
        "8004": _STRICT,
        "21": _FREE,
        "95": _FREE,
        "240": _FREE,
        "91": _STRICT,
    },
    "06": {
        "18S": st.builds("{}{}".format, _CAGE, _STRICT),
        "25S": st.builds("UN{}".format, _STRICT),
        "17V": _CAGE,
        "12V": _DUNS,
        "7L": st.text("0189AHJZ", min_size=6, max_size=6),
        "3V": _STRICT,
        "18V": _STRICT,
        "1P": _STRICT,
        "1T": _STRICT,
        "S": _STRICT,
        "30P": _FREE,
        "30T": _FREE,
        "20P": _STRICT,
    },
    "12": {
        "CAG": _CAGE,
        "MFR": _CAGE,
        "SPL": _CAGE,
        "DUN": _DUNS,
        "EUC": _STRICT,
        "SER": _STRICT,
        "UCN": _STRICT,
        "PNO": _STRICT,
        "SEQ": _STRICT,
        "LOT": _FREE,
        "PDT": _STRICT,
    },
}
_CONSTRUCTS: list[tuple[Format, tuple[str, ...]]] = [
    ("05", ("8003",)),
    ("05", ("8004",)),
    ("06", ("18S",)),
    ("06", ("25S",)),
    *(("06", c) for c in product(("17V", "12V", "7L", "3V", "18V"), ("1P", "1T"), ("S",))),
    *(("12", c) for c in product(("CAG", "MFR", "SPL", "DUN", "EUC"), ("SER", "UCN"))),
    *(("12", c) for c in product(("CAG", "MFR", "SPL", "DUN", "EUC"), ("PNO",), ("SEQ",))),
]
_EXTRAS: dict[Format, tuple[str, ...]] = {
    "05": ("21", "95", "240", "91"),
    "06": ("30P", "30T", "20P"),
    "12": ("LOT", "PDT"),
}


@st.composite
def _envelopes(draw: st.DrawFn) -> Envelope:
    """Any elements that the format knows, a UII in them or not."""
    form = draw(st.sampled_from(_FORMATS))
    names = draw(st.lists(st.sampled_from(list(_VALUES[form])), min_size=1, unique=True))
    return Envelope(form, tuple(Element(n, draw(_VALUES[form][n])) for n in names))


@st.composite
def _items(draw: st.DrawFn) -> tuple[Envelope, tuple[Element, ...]]:
    """An envelope that names an item, and its identifying elements in the order of the UII."""
    form, names = draw(st.sampled_from(_CONSTRUCTS))
    identifying = tuple(Element(n, draw(_VALUES[form][n])) for n in names)
    extras = draw(st.lists(st.sampled_from(_EXTRAS[form]), unique=True))
    others = [Element(n, draw(_VALUES[form][n])) for n in extras]
    order = draw(st.permutations([*identifying, *others]))
    return Envelope(form, tuple(order)), identifying


@given(_envelopes())
def test_compose_then_parse_is_the_identity(envelope: Envelope) -> None:
    content = encode(envelope)
    assert decode(content) == envelope
    assert looks_like_uii(content)


_MUTILATED = st.lists(
    st.sampled_from(
        ["[)>", "\x1e", "\x1d", "\x04", "05", "06", "12", "18S", "8004", "CAG ", "SER ", "A3309"]
    )
    | st.text(max_size=3)
).map("".join)


@given(st.text() | _MUTILATED)
def test_any_text_ends_in_an_item_or_a_named_error(content: str) -> None:
    looks_like_uii(content)
    try:
        found = identify(content)
    except UiiError:
        return
    assert encode(found.envelope) == content
    assert 0 < len(found.uii) <= 50


@given(_items(), _items())
def test_two_items_never_share_both_keys(
    one: tuple[Envelope, tuple[Element, ...]], other: tuple[Envelope, tuple[Element, ...]]
) -> None:
    keys = [(uii(envelope), elements_key(envelope)) for envelope, _ in (one, other)]
    same = (one[0].format, one[1]) == (other[0].format, other[1])
    assert (keys[0] == keys[1]) == same


@given(st.data(), st.lists(_STRICT, min_size=2, max_size=2))
def test_moving_a_character_between_part_and_serial_changes_the_key(
    data: st.DataObject, values: list[str]
) -> None:
    """Neighbours that random pairs would never hit: the same UII, cut at another place."""
    joined = "".join(values)
    cuts = st.integers(1, len(joined) - 1)
    one, other = (
        decode(_06("17V0CVA5", f"1P{joined[:cut]}", f"S{joined[cut:]}"))
        for cut in (data.draw(cuts), data.draw(cuts))
    )
    assert uii(one) == uii(other)
    assert (elements_key(one) == elements_key(other)) == (one == other)
