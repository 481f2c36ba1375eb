"""Why a record was refused, or a message is evidence, as it is kept in English: told in words.

A row of either stays as it was written. So its sentence is read back: those that ingest and the
scans say stand here, and those of the contract and of the register that reach them.
"""

import re

from central.ingest.refusal import CODES
from central.readback import MOMENT, Forms
from central.said import Said, Several, Word, joined, said
from central.screens.refusals import sentence_in_words
from central.screens.texts import Language

_INGEST = (
    "{type}: a device marks nothing",
    "the batch that holds it cannot be judged: {fault}",
    "opened is the first record of an epoch",
    "plan ({incarnation}, {version}) after plan ({before}, {before_version})",
    "the register holds no plan ({incarnation}, {version}) of this epoch",
    "a correction names an earlier record of its gateway",
    "position {position} stands twice",
    "no plan known to the register was accepted before",
    "the lease ended at {until}",
    "plan {number} has no order {order}",
    "the repeated mark is not known",
    "the repeated mark is of order {order}",
    "a number begins with the {component}",
    "a further component repeats the intent of the first",
    "the {component} of {number} was not due here",
    "the {component} of {number} is not marked",
    "the {component} of {number} is {state}",
    "another item has the same UII",
    "{uii} {component} was claimed before",
    "the number was spent by record {seq}",
    "{order} is read back by {mode}",
    "{number} is not of a block of {order}",
    "{order} is for kind {kind}",
    "a package of {order} holds 1 to {most}",
    "a package of {order} holds one piece or more",
    "a serial number stands for one piece",
    "{order} has no component {component}",
    "a number of {order} stands on {count}",
    "{order} has no lot",
    "the lot of {order} is {lot}",
    "not what {order} gives for {number}",
    "names no item: {uii_fault}",
    "the item is {uii}",
    "an approval names a mark of its own journal",
    "a first piece is approved by a second person",
    "called good, and it is not what the mark announced",
    "{how} needs two names",
    "no mark is known at {gateway} epoch {epoch} record {seq} position {position}",
    "the header says {gateway}",
    "the record says seq {seq}",
    "boot {boot} brings what the register does not hold, after {newest}",
    "the stream is {stream}",
    "other records under the same numbers",
    "records follow a key_changed, which ends what its key may sign",
    "no epoch {epoch} was opened",
    "a plan that this register did not sign",
    "a plan for {gateway} epoch {epoch}",
    "more came for the reason {reason} within a day than is kept",
    "{gateway} holds a receipt of incarnation {theirs}; this register is {ours}",
    "{gateway} holds a receipt for record {epoch}/{seq}; this register ends at {end}",
    "{gateway} holds a receipt for record {epoch}/{seq}, which is another one here",
    "the guard of the numbers has seen incarnation {theirs}; this register is {ours}",
    "{space}: the guard has seen {seen} numbers issued; this register holds {ours}",
)
_SCANS = (
    "device {gateway}, its place or its entity",
    "gateway {gateway} works on no line that the register knows",
    "place {place}, what is above it, or its entity",
    "there is no code",
    "{purpose} is none of the register's",
    "one part is built in or taken out by one record",
    "neither the record nor the part says which part of {whole}",
    "the record was refused: see the receipt",
)
OF_CONTRACT = (
    "the records do not lead from the batch's prev to its head",
    "the header announces records {first} to {last}, {count} follow",
    "batch: no valid key {key}",
    "batch: key {key} did not sign this",
    "batch: no signature line",
    "batch: a line feed stands at the end",
    "batch: the signature line is not '<key id> <base64>'",
    "batch: the signature is not base64",
    "batch: the signature is not canonical base64",
    "{text} is not a boot: <counter>-<nonce>",
    "{text}: the nonce is 8 to 64 lower-case hex digits",
    "a key stands twice in one JSON object",
    "{name} is not JSON",
    "NUL and lone surrogates are not allowed in a text",
    "nested more than {depth} deep",
    "nested too deep",
    "a raw line break stands inside a line",
    "not UTF-8 at byte {at}",
    "not JSON: {words}",
    "not a JSON object",
)
"""What is wrong with bytes, as `gateway.contract` has it."""
_REGISTER = (
    "happened: that lies in the future",
    "holder: {account} reports what came to {entity}",
    "no package {code}, and nothing that is known goes into it",
    "holder: consignment {number} goes to {recipient}",
    "articles: one stands twice",
    "place: where they are {what}",
    "reason: why they are {what}",
    "{subject} {key} exists already",
    "no {subject} {key}",
)
"""What reporting an event is refused for: a scan becomes none then."""
_STATED = ("{order} is {standing}: {reason}",)
"""Last: much has the form of a word and a state."""
FORMS = Forms(
    (*_INGEST, *_SCANS, *OF_CONTRACT, *_REGISTER, *_STATED),
    words={
        **{name: name for name in ("type", "component", "state", "how", "reason", "subject")},
        "mode": "readback",
        "stream": "stream",
        "uii_fault": "uii",
        **dict.fromkeys(("kind", "standing", "what"), "value"),
    },
    patterns={
        **dict.fromkeys(("seq", "epoch", "position", "count", "depth", "at"), r"\d+"),
        **dict.fromkeys(("incarnation", "version", "before", "before_version", "most"), r"\d+"),
        **dict.fromkeys(("uii", "lot", "uii_fault", "words", "whole", "code"), ".+"),
        **dict.fromkeys(("component", "reason"), r"\S*"),
        "until": MOMENT,
        "purpose": "'.*'",
        "text": "'.*'",
        "subject": "[a-z ]+",
        "name": "NaN|-?Infinity",
    },
)
_OF_A_CHECK = "message: Value error, "
"""What stands before a rule of ours, where pydantic hands it on."""
_CODES = re.compile(r"'[^' ]*'(; '[^' ]*')*")
"""Codes that name nothing are said by themselves."""
_NEXT = re.compile(rf"(?:^|; )({'|'.join(CODES)}): ")
"""Before each fault of a record that has several."""


def in_words(detail: str, language: Language) -> str:
    """What nothing here fits is quoted: no page says it as if it were its own."""
    return sentence_in_words(read(detail), language) or detail


def read(detail: str) -> Said | Several:
    """Read a detail back as the message that it was made of."""
    found = FORMS.read(detail.removeprefix(_OF_A_CHECK))
    if found is not None:
        return found
    start, *several = _NEXT.split(detail)
    if several and not start:
        faults = zip(several[::2], several[1::2], strict=True)
        return joined(
            "; ",
            (
                said("{code}: {fault}", code=Word(code, "verdict"), fault=read(fault))
                for code, fault in faults
            ),
        )
    if _CODES.fullmatch(detail):
        return said("codes that name nothing: {codes}", codes=detail)
    return said("in the program's words: «{words}»", words=detail)
