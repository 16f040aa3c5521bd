"""What every part of the configuration model has in common."""

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pyha.units import Milliseconds

IPAddress = IPv4Address | IPv6Address
Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]
Duration = Annotated[Milliseconds, Field(ge=0)]
Interval = Annotated[Milliseconds, Field(ge=1)]


class Frozen(BaseModel):
    """Immutable, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")
