"""JSON as the contract wants it: one line, UTF-8, no duplicate keys, no NUL, exact times."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic import ValidationError as PydanticValidationError

from gateway.contract.errors import ContractError

INT8_MAX = 2**63 - 1
MAX_DEPTH = 64
"""How deep arrays and objects may nest: what is parsed here can be written again everywhere."""
GATEWAY = r"[a-z0-9-]{1,40}\.[a-z0-9-]{1,40}"
"""A gateway's name, `<site>.<name>`."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ContractError("a key stands twice in one JSON object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ContractError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ContractError(f"{text} is too large")
    return value


def _refuse_text(value: object) -> None:
    """Refuse what neither UTF-8 nor PostgreSQL can hold: NUL and lone surrogates."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise ContractError("NUL and lone surrogates are not allowed in a text")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _refuse_text(key)
            _refuse_text(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_text(inner)


def _refuse_depth(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    if any(isinstance(inner, dict | list) for inner in level):
        raise ContractError(f"nested more than {MAX_DEPTH} deep")


def _check(line: bytes, value: dict[str, Any]) -> None:
    """What JSON allows and the contract does not; a glance at the line spares most the walk."""
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH:
        _refuse_depth(value)
    lower = line.lower()
    if b"\\u0000" in lower or b"\\ud" in lower:
        _refuse_text(value)


def parse_line(line: bytes) -> dict[str, Any]:
    """The JSON object on one line; raises `ContractError` for anything else."""
    if b"\n" in line or b"\r" in line:
        raise ContractError("a raw line break stands inside a line")
    try:
        value = json.loads(
            line.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise ContractError(f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise ContractError("nested too deep") from error
    except ValueError as error:  # JSONDecodeError, and numbers of thousands of digits
        raise ContractError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ContractError("not a JSON object")
    _check(line, value)
    return value


def dump_line(value: dict[str, Any]) -> bytes:
    """One JSON object as one line of UTF-8, without its line feed."""
    try:
        line = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
            "utf-8"
        )
    except (RecursionError, ValueError) as error:  # lone surrogates and NaN are ValueErrors
        raise ContractError(f"cannot be encoded: {error}") from error
    _check(line, value)
    return line


_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def format_time(value: datetime) -> str:
    """UTC with microseconds: `2026-11-24T09:30:00.123456Z`."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_time(value: object) -> datetime:
    """The inverse of `format_time`; raises ValueError for any other form."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC)
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        raise ValueError("a time is UTC with microseconds, as 2026-11-24T09:30:00.123456Z")
    return datetime.fromisoformat(value[:-1]).replace(tzinfo=UTC)


Time = Annotated[datetime, BeforeValidator(parse_time), PlainSerializer(format_time)]
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Numbers are strict: `"1"`, `1.0` and `true` are not 1, so that one value has one spelling.
Count = Annotated[int, Field(strict=True, ge=0, le=INT8_MAX)]
Seq = Annotated[int, Field(strict=True, ge=1, le=INT8_MAX)]
Version = Annotated[int, Field(strict=True, ge=1, le=1)]
"""The contract's version. It is 1; what old readers cannot decode travels under other topics."""
GatewayName = Annotated[str, Field(pattern=f"^{GATEWAY}$")]


M = TypeVar("M", bound=BaseModel)


class Message(BaseModel):
    """A part of the wire. Frozen; unknown fields are kept, so that newer senders lose nothing."""

    # NaN stays NaN until `dump_line` refuses it: by default pydantic would write null instead.
    model_config = ConfigDict(
        extra="allow", frozen=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )

    def line(self) -> bytes:
        """This message as one line of JSON."""
        try:
            value = self.model_dump(mode="json")
        except ValueError as error:  # only what Python put into unknown fields
            raise ContractError(f"cannot be encoded: {error}") from error
        _leave_out_absent(self, value)
        return dump_line(value)

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Decode one line; raises `ContractError` with every fault found."""
        return validate(cls, parse_line(line))


def _leave_out_absent(message: BaseModel, value: dict[str, Any]) -> None:
    """Take out known fields that are None. An unknown field that is null is kept as it came."""
    for name in type(message).model_fields:
        field = getattr(message, name)
        if field is None:
            del value[name]
        elif isinstance(field, BaseModel):
            _leave_out_absent(field, value[name])
        elif isinstance(field, tuple):
            for inner, inner_value in zip(field, value[name], strict=True):
                if isinstance(inner, BaseModel):
                    _leave_out_absent(inner, inner_value)


def faults_of(error: PydanticValidationError) -> str:
    """Every fault on one line, each with the field it stands in."""
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or 'message'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    )


def validate(model: type[M], value: dict[str, Any]) -> M:
    """Pydantic's verdict as a `ContractError` that names each field."""
    try:
        return model.model_validate(value)
    except PydanticValidationError as error:
        raise ContractError(faults_of(error)) from error
