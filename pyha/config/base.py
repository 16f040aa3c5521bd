"""What every part of the configuration model has in common."""

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SerializationInfo

from pyha.errors import UnitError
from pyha.units import Centiseconds, Milliseconds, milliseconds, spelled

FOR_PEOPLE = {"for": "people"}
"""The context that makes `model_dump(mode="json")` spell durations out (`5s`) instead of counting (5000)."""


def _read_milliseconds(value: Any) -> Any:
    """A duration as people write it in pyha.yaml; a bare number counts in milliseconds, as in HAProxy."""
    if not isinstance(value, str):
        return value
    try:
        return milliseconds(value)
    except UnitError as error:
        raise ValueError(str(error)) from error


def _read_centiseconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    count = _read_milliseconds(value)
    if count % 10:
        raise ValueError(f"'{value}' is too fine: advertisement intervals count in hundredths of a second")
    return count // 10


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
