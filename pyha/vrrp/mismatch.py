"""What an advertisement for our VRID must have in common with our configuration, and what to say when it has not.

RFC 9568 section 7.1 and RFC 3768 section 7.1. An advertisement that fails here is not heard, so its sender and we may
both become Active: the sentence names ours and theirs, so that the operator sees which of the two is wrong.
"""

from dataclasses import dataclass

from pyha.config.base import IPAddress
from pyha.config.vrrp_model import VirtualRouter

from .advertisement import Advertisement

AH = 2
AUTHENTICATION = {0: "none", 1: "PASS", 2: "AH"}
_NUMBERS = {name: number for number, name in AUTHENTICATION.items()}
_PASSWORD = 8  # bytes that travel (RFC 2338 section 5.3.6.2)


def auth_type(config: VirtualRouter) -> int:
    """The number of the configured authentication. Version 3 has none."""
    return _NUMBERS[config.authentication.kind] if config.version == 2 else 0


def auth_data(config: VirtualRouter) -> bytes:
    """What the authentication field of version 2 carries: the password for PASS, zeros otherwise."""
    password = config.authentication.password.encode() if auth_type(config) == 1 else b""
    return password[:_PASSWORD].ljust(_PASSWORD, b"\0")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """`reason` is a counter's name; `sentence` says what differs, mine against theirs."""

    reason: str
    sentence: str


def mismatch(config: VirtualRouter, advert: Advertisement, *, check_addresses: bool) -> Mismatch | None:
    """The first thing that keeps this advertisement from being ours, or None.

    With `check_addresses` it has to name every address of ours. More are welcome: while a list of addresses is changed
    node by node, the node with the longer one serves everything, and two Actives would serve nothing well.
    """
    if advert.version != config.version:
        return Mismatch("version", f"VRRP version {advert.version}, ours is {config.version}")
    if config.version == 2:
        return _mismatch2(config, advert) or (_addresses(config, advert) if check_addresses else None)
    return _addresses(config, advert) if check_addresses else None


def _mismatch2(config: VirtualRouter, advert: Advertisement) -> Mismatch | None:
    ours = auth_type(config)
    if advert.auth_type != ours:
        theirs = AUTHENTICATION.get(advert.auth_type, str(advert.auth_type))
        return Mismatch("auth_type", f"authentication {theirs}, ours is {AUTHENTICATION[ours]}")
    if ours == 1 and advert.auth_data != auth_data(config):
        # The passwords travel in the clear, but a log is read by more people than a wire.
        return Mismatch("auth_data", "another password than ours (the first 8 bytes count)")
    # RFC 3768 7.1: "MUST verify that the Adver Interval in the packet is the same as the locally configured".
    if advert.interval != config.advert_int // 100 * 100:
        return Mismatch(
            "interval", f"advertisement interval {advert.interval / 100:g} s, ours is {config.advert_int / 100:g} s")
    return None


def _addresses(config: VirtualRouter, advert: Advertisement) -> Mismatch | None:
    ours = {address.interface.ip for address in config.addresses}
    theirs = set(advert.addresses)
    if ours <= theirs:
        return None
    lists = f"{_listed(theirs)}, ours are {_listed(ours)}"
    if not ours & theirs:
        return Mismatch(
            "addresses", f"the addresses {lists}: another virtual router uses VRID {config.vrid} on "
                         f"{config.interface}, choose another virtual_router_id")
    return Mismatch("addresses", f"the addresses {lists}")


def _listed(addresses: set[IPAddress]) -> str:
    return ", ".join(str(address) for address in sorted(addresses, key=lambda address: (address.version, int(address))))
