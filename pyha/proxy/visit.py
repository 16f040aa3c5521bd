"""A client as the rules see it, from the moment that it is accepted until it has a server."""

from collections.abc import Callable
from functools import cached_property, lru_cache
from ipaddress import ip_address
from typing import Any, Final

from .hello import CLIENT_HELLO, MORE, Hello, More, hello_type, read
from .tables import Entry

MOST: Final = 15 * 1024
"""As many bytes are looked at, and no more; HAProxy's buffer less what it keeps free."""


Value = int | str | bytes | None
"""Of a sample: None where there is none, MORE where there may be one later."""


@lru_cache(4096)  # the same clients come again and again
def number_of(host: str) -> int | None:
    """An address as a 128-bit number; IPv4 becomes ::ffff:a.b.c.d, so that both can be compared. None: it is none."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:  # a UNIX socket
        return None
    return int(address) + (0xFFFF << 32) if address.version == 4 else int(address)


class Visit:
    """What is known about one connection. `now` is when it is being looked at, `final` whether there is no later."""

    def __init__(self, address: tuple[Any, ...], bound: Callable[[], tuple[Any, ...]], now: float) -> None:
        self.address = address
        self._bound = bound
        self.now = now
        self.final = False
        self.headed = False  # a PROXY protocol header comes first
        self.data = b""
        self.tracked: list[Entry | None] = [None, None, None]
        self.stores: list[Entry] = []  # that shall stick to the server which it gets
        self._hello: Hello | More | None = MORE
        self._seen = -1

    def learn(self, address: tuple[Any, ...]) -> None:
        """A PROXY protocol header says that it is somebody else; where it connected to is asked again."""
        self.address = address
        for known in ("source", "bound", "target"):
            self.__dict__.pop(known, None)

    def track(self, slot: int, entry: Entry) -> None:
        """Count this connection there, until `leave`."""
        self.tracked[slot] = entry
        entry.tracked += 1
        entry.add("conn_cnt", self.now)
        entry.add("conn_cur", self.now)

    def leave(self, now: float, bytes_in: int = 0, bytes_out: int = 0) -> None:
        """The connection is over."""
        for entry in self.tracked:
            if entry is not None:
                entry.tracked -= 1
                entry.add("conn_cur", now, -1)
                entry.add("bytes_in_cnt", now, bytes_in)
                entry.add("bytes_out_cnt", now, bytes_out)

    @cached_property
    def source(self) -> int | None:
        """The client's address."""
        return number_of(self.address[0])

    @cached_property
    def bound(self) -> tuple[Any, ...]:
        """The address that it connected to."""
        return self._bound()

    @cached_property
    def target(self) -> int | None:
        """The same as a number."""
        return number_of(self.bound[0])

    def look(self, data: bytes) -> None:
        """These are the first bytes of the client, all that have come so far."""
        self.data = data

    @property
    def full(self) -> bool:
        """More bytes will not be looked at."""
        return len(self.data) >= MOST

    def hello_type(self) -> int | More | None:
        """See hello.hello_type; of a ClientHello only when all of its records are there."""
        kind = hello_type(self.data)
        return MORE if kind == CLIENT_HELLO and self.hello() is MORE else kind

    def hello(self) -> Hello | More | None:
        """The TLS hello, parsed anew only when more has come."""
        if self._hello is MORE and len(self.data) != self._seen:
            self._seen = len(self.data)
            self._hello = read(self.data)
        return self._hello


Look = Callable[[Visit], Value]
"""A sample, ready to be taken."""
