"""The kernel's links and addresses: what is there, what changes, and adding and removing virtual addresses.

pyroute2 writes and reads the messages; the sockets are our own, because its classes bring their own event loop. The
only module that imports pyroute2. A request is answered by the kernel before the send returns: nothing ever waits.
"""

import asyncio
import errno
import ipaddress
import itertools
import os
import socket
from collections.abc import Callable, Iterator
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any, Protocol

from pyroute2.netlink import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR
from pyroute2.netlink.rtnl import (
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTMGRP_IPV4_IFADDR,
    RTMGRP_IPV6_IFADDR,
    RTMGRP_LINK,
)
from pyroute2.netlink.rtnl.ifaddrmsg import (
    IFA_F_HOMEADDRESS,
    IFA_F_MANAGETEMPADDR,
    IFA_F_MCAUTOJOIN,
    IFA_F_NODAD,
    IFA_F_NOPREFIXROUTE,
    IFA_F_SECONDARY,
    IFA_F_TENTATIVE,
    ifaddrmsg,
)
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.marshal import MarshalRtnl

from pyha.runtime.mirror import Held, Link, Mirror, Wanted

_CREATE, _REPLACE = 0x400, 0x100
_READ = 256 * 1024
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_NO_MAC = "00:00:00:00:00:00"
_FOREVER = 0xFFFFFFFF
_OPTIONS = {"home": IFA_F_HOMEADDRESS, "mngtmpaddr": IFA_F_MANAGETEMPADDR, "noprefixroute": IFA_F_NOPREFIXROUTE,
            "autojoin": IFA_F_MCAUTOJOIN}
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
SCOPES = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}


_Field = Any  # a number, a string or a nested message, as the field's name says


class _Message(Protocol):
    """As much of a pyroute2 message as is used here; the library has no types of its own."""

    data: bytearray

    def __getitem__(self, field: str) -> _Field: ...
    def __setitem__(self, field: str, value: _Field) -> None: ...
    def get_attr(self, name: str) -> _Field: ...
    def encode(self) -> None: ...


class Netlink:
    """Keeps `mirror` up to date, and changes addresses.

    Opening it reads everything once. Raises OSError when that is not possible at all.
    """

    def __init__(self) -> None:
        self.mirror = Mirror()
        self._marshal = MarshalRtnl()
        self._sequence = itertools.count(1)
        self._requests = _open(0)
        try:
            # Listen before reading, so that no change falls between the two.
            self._events = _open(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR)
            self._events.setblocking(False)
            self.refresh()
        except BaseException:
            self.close()
            raise

    def attach(self, loop: asyncio.AbstractEventLoop, on_change: Callable[[], None]) -> None:
        """Follow the kernel's events; `on_change` is called after each batch of them."""

        def readable() -> None:
            if self.drain():
                on_change()

        loop.add_reader(self._events.fileno(), readable)

    def detach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Follow no more."""
        loop.remove_reader(self._events.fileno())

    def close(self) -> None:
        """Close both sockets."""
        self._requests.close()
        if hasattr(self, "_events"):
            self._events.close()

    def drain(self) -> bool:
        """Take in all events that wait. Returns whether there were any."""
        seen = False
        while True:
            try:
                data = self._events.recv(_READ)
            except BlockingIOError:
                return seen
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                # More events than the buffer holds: some are lost, so read everything anew.
                self.refresh()
            else:
                for message in self._marshal.parse(data):
                    self._take(message)
            seen = True

    def refresh(self) -> None:
        """Read all links and addresses. Raises OSError."""
        self.mirror.clear()
        for message in self._dump(RTM_GETLINK, ifinfmsg()):
            self._take(message)
        for message in self._dump(RTM_GETADDR, ifaddrmsg()):
            self._take(message)

    # -- changes -------------------------------------------------------------------------------------------------------

    def add(self, wanted: Wanted) -> bool:
        """Put an address on its interface, or renew it. Returns False when it was there already. Raises OSError."""
        there = (wanted.index, wanted.interface.ip) in self.mirror.addresses
        # Without REPLACE an address that is already there is an error; with it, IPv4's label and lifetime are renewed.
        self._request(_address_message(wanted), RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | _CREATE | _REPLACE)
        self.mirror.took(Held(wanted.index, wanted.interface))
        return not there

    def remove(self, index: int, interface: IPv4Interface | IPv6Interface) -> bool:
        """Take an address off an interface. Returns False when it was not there. Raises OSError."""
        held = self.mirror.lost(index, interface.ip)
        try:
            # With the prefix length that it has, which is not ours when somebody else put it there.
            message = _removal(index, held.interface if held else interface)
            self._request(message, RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK)
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV):
                return False
            raise
        return True

    def perform(self, message: bytes) -> None:
        """Send a request that is made already: a route, a rule. Raises OSError; not for what is there, or gone."""
        self._requests.send(message)
        try:
            self._answer()
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ESRCH, errno.ENOENT):
                raise

    def may_change(self) -> bool:
        """Whether this process has the privilege to change addresses (CAP_NET_ADMIN)."""
        try:
            # The kernel checks the privilege first, and then finds that there is no interface 0.
            self._request(_removal(0, IPv4Interface("192.0.2.1/32")), RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK)
        except OSError as error:
            return error.errno != errno.EPERM
        return True

    def _request(self, message: _Message, kind: int, flags: int) -> None:
        self._requests.send(_encode(message, kind, flags, next(self._sequence)))
        self._answer()

    def _answer(self) -> None:
        for answer in self._marshal.parse(self._requests.recv(_READ)):
            if answer["header"]["type"] == NLMSG_ERROR and answer["error"]:
                code = abs(answer["error"])
                raise OSError(code, os.strerror(code))

    def _dump(self, kind: int, message: _Message) -> Iterator[_Message]:
        self._requests.send(_encode(message, kind, NLM_F_REQUEST | NLM_F_DUMP, next(self._sequence)))
        while True:
            for answer in self._marshal.parse(self._requests.recv(_READ)):
                kind = answer["header"]["type"]
                if kind == NLMSG_DONE:
                    return
                if kind == NLMSG_ERROR:
                    code = abs(answer["error"])
                    raise OSError(code, os.strerror(code))
                yield answer

    # -- the mirror ----------------------------------------------------------------------------------------------------

    def _take(self, message: _Message) -> None:
        kind = message["header"]["type"]
        if kind == RTM_NEWLINK:
            self._link(message)
        elif kind == RTM_DELLINK:
            self.mirror.vanished(message["index"])
        elif kind in (RTM_NEWADDR, RTM_DELADDR):
            self._address(message, gone=kind == RTM_DELADDR)

    def _link(self, message: _Message) -> None:
        name, flags = message.get_attr("IFLA_IFNAME"), message["flags"]
        if name is not None:
            up = bool(flags & _IFF_UP and flags & _IFF_RUNNING)
            self.mirror.appeared(Link(message["index"], name, up, message.get_attr("IFLA_ADDRESS") or _NO_MAC))

    def _address(self, message: _Message, *, gone: bool) -> None:
        text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
        if text is None:
            return
        interface = ipaddress.ip_interface(f"{text}/{message['prefixlen']}")
        if gone:
            self.mirror.lost(message["index"], interface.ip)
            return
        flags = message.get_attr("IFA_FLAGS") or message["flags"]
        self.mirror.took(Held(
            message["index"], interface, message["scope"],
            secondary=bool(flags & IFA_F_SECONDARY), tentative=bool(flags & IFA_F_TENTATIVE),
        ))


def removal(index: int, interface: IPv4Interface | IPv6Interface) -> bytes:
    """The message that takes an address off an interface, for somebody else to send (the supervisor, by our will)."""
    return _encode(_removal(index, interface), RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK, 1)


def _open(groups: int) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    sock.bind((0, groups))
    return sock


def _encode(message: _Message, kind: int, flags: int, sequence: int) -> bytes:
    message["header"].update({"type": kind, "flags": flags, "sequence_number": sequence, "pid": 0})
    message.encode()
    return bytes(message.data)


def _removal(index: int, interface: IPv4Interface | IPv6Interface) -> _Message:
    message: _Message = ifaddrmsg()
    message["family"] = _FAMILIES[interface.version]
    message["prefixlen"] = interface.network.prefixlen
    message["index"] = index
    # Not IFA_ADDRESS: the kernel would compare it with the far end of a point-to-point address.
    message["attrs"] = [("IFA_LOCAL", str(interface.ip))]
    return message


def _address_message(wanted: Wanted) -> _Message:
    interface, version = wanted.interface, wanted.interface.version
    message: _Message = ifaddrmsg()
    message["family"] = _FAMILIES[version]
    message["prefixlen"] = interface.network.prefixlen if wanted.peer is None else wanted.peer.network.prefixlen
    message["index"] = wanted.index
    message["scope"] = SCOPES[wanted.scope] if version == 4 else 0
    far = interface.ip if wanted.peer is None else wanted.peer.ip
    attributes: list[tuple[str, Any]] = [("IFA_LOCAL", str(interface.ip)), ("IFA_ADDRESS", str(far))]
    if version == 4 and wanted.label is not None:
        attributes.append(("IFA_LABEL", wanted.label))
    if version == 4 and wanted.broadcast is not None:
        attributes.append(("IFA_BROADCAST", str(wanted.broadcast)))
    flags = 0
    for option in wanted.options:
        flags |= _OPTIONS[option]
    if version == 6 and not wanted.dad:
        # The address was in use on the other node a moment ago: waiting for its detection would only cost time.
        flags |= IFA_F_NODAD
    if flags:
        attributes.append(("IFA_FLAGS", flags))
    preferred, valid = _lifetimes(wanted)
    if (preferred, valid) != (_FOREVER, _FOREVER):
        attributes.append(("IFA_CACHEINFO", {"ifa_preferred": preferred, "ifa_valid": valid, "cstamp": 0, "tstamp": 0}))
    message["attrs"] = attributes
    return message


def _lifetimes(wanted: Wanted) -> tuple[int, int]:
    valid = _FOREVER if wanted.lease is None else wanted.lease
    # A preferred lifetime of 0 keeps a /128 from being chosen as the source of our own connections, as keepalived does.
    hidden = wanted.interface.version == 6 and wanted.interface.network.prefixlen == 128
    if wanted.preferred is not None:
        return min(wanted.preferred, valid), valid
    return 0 if hidden else valid, valid
