"""What every part of the configuration model has in common."""

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SerializationInfo

from pyha.errors import UnitError
from pyha.units import Centiseconds, Milliseconds, milliseconds, spelled

FOR_PEOPLE = {"for": "people"}
"""The context that makes `model_dump(mode="json")` spell durations out (`5s`) instead of counting (5000)."""


def _parsed(text: str) -> Milliseconds:
    try:
        return milliseconds(text)
    except UnitError as error:
        raise ValueError(str(error)) from error


def _read_milliseconds(value: object) -> object:
    """A duration as people write it in pyha.yaml; a bare number counts in milliseconds, as in HAProxy."""
    return _parsed(value) if isinstance(value, str) else value


def _read_centiseconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    count, rest = divmod(_parsed(value), 10)
    if rest:
        raise ValueError(f"'{value}' is too fine: advertisement intervals count in hundredths of a second")
    return count


def _write_milliseconds(value: Milliseconds, info: SerializationInfo) -> int | str:
    return spelled(value) if info.context == FOR_PEOPLE else value


def _write_centiseconds(value: Centiseconds, info: SerializationInfo) -> int | str:
    return spelled(Milliseconds(value * 10)) if info.context == FOR_PEOPLE else value


IPAddress = IPv4Address | IPv6Address
Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]
_Milliseconds = Annotated[
    Milliseconds, BeforeValidator(_read_milliseconds), PlainSerializer(_write_milliseconds, when_used="json")
]
Duration = Annotated[_Milliseconds, Field(ge=0)]
Interval = Annotated[_Milliseconds, Field(ge=1)]
AdvertInterval = Annotated[
    Centiseconds, BeforeValidator(_read_centiseconds), PlainSerializer(_write_centiseconds, when_used="json"),
    Field(ge=1, le=25500),
]


class Frozen(BaseModel):
    """Immutable, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")
