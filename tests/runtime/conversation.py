"""Two ends that talk through a relay by a plan, and compare every byte: sizes, pauses, half-closes, aborts."""

import contextlib
import hashlib
import random
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

_NO_LINGER = struct.pack("ii", 1, 0)
_NUMBER = struct.Struct("!I")


@dataclass
class End:
    """What one end does, and what came of it."""

    seed: int
    writes: list[tuple[float, int]] = field(default_factory=list)  # (pause before, bytes)
    waits_for_fin: bool = False  # before it writes anything: what remains after the other's half-close
    slow: bool = False  # reads little and late
    aborts: bool = False  # resets the connection when it has written everything
    sent: str = ""
    received: str = ""
    count: int = 0  # bytes received
    error: str = ""

    @staticmethod
    def plan(rng: random.Random) -> "End":
        """Anything that a program might do."""
        kind = rng.random()
        many = rng.random() < 0.3  # many small ones: such a connection moves to the kernel path in the middle of it
        sizes = [rng.choice((1, 10, 300, 3000) if many else (0, 1, 10, 1000, 70_000, 400_000))
                 for _ in range(rng.randrange(60 if many else 5))]  # fmt: skip
        pauses = (0, 0, 0, 0.001) if many else (0, 0, 0, 0.001, 0.02)
        writes = [(rng.choice(pauses), rng.randint(size // 2, size)) for size in sizes]
        return End(rng.randrange(2**31), writes, waits_for_fin=kind < 0.15, slow=kind > 0.9, aborts=0.15 < kind < 0.2)

    def stream(self) -> list[bytes]:
        """What it writes."""
        rng = random.Random(self.seed)
        return [rng.randbytes(size) for _, size in self.writes]

    def heard(self, other: "End") -> bool:
        """Whether it received what the other wrote: all of it, or the beginning where one of them aborted."""
        if not (self.aborts or other.aborts):
            return self.received == other.sent
        return self.received == hashlib.sha256(b"".join(other.stream())[: self.count]).hexdigest()

    def talk(self, sock: socket.socket) -> None:
        """Carry the plan out on a connected socket, read everything until FIN, close."""
        sent, received = hashlib.sha256(), hashlib.sha256()
        moment = time.monotonic()
        writes = []
        for (pause, _), data in zip(self.writes, self.stream(), strict=True):
            moment += pause
            writes.append((moment, data))
        sock.setblocking(False)
        reading, writing, fin_seen = True, True, False
        deadline = time.monotonic() + 30
        try:
            while reading or writing:
                may_write = writing and (fin_seen or not self.waits_for_fin)
                if may_write and not writes:
                    if self.aborts:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                        return
                    sock.shutdown(socket.SHUT_WR)
                    writing = False
                    continue
                due = bool(may_write and writes and time.monotonic() >= writes[0][0])
                readable, writable, _ = select.select([sock] if reading else [], [sock] if due else [], [], 0.002)
                if readable:
                    if self.slow:
                        time.sleep(0.002)
                    data = sock.recv(3000 if self.slow else 65536)
                    received.update(data)
                    self.count += len(data)
                    if not data:
                        reading, fin_seen = False, True
                if writable:
                    moment, data = writes.pop(0)
                    count = sock.send(data) if data else 0
                    sent.update(data[:count])
                    if count < len(data):
                        writes.insert(0, (moment, data[count:]))
                if time.monotonic() > deadline:
                    self.error = f"stuck: reading {reading}, writing {writing}"
                    return
        except OSError as error:
            self.error = repr(error)
        finally:
            self.sent, self.received = sent.hexdigest(), received.hexdigest()
            sock.close()


class Servers:
    """Listens, and plays the server's end of each numbered conversation."""

    def __init__(self, sock: socket.socket, plans: list[End]) -> None:
        self.sock = sock
        self.plans = plans
        self.threads: list[threading.Thread] = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                conn, _ = self.sock.accept()
                thread = threading.Thread(target=self._serve, args=(conn,), daemon=True)
                self.threads.append(thread)
                thread.start()
                continue
            return

    def _serve(self, conn: socket.socket) -> None:
        number = b""
        with contextlib.suppress(ConnectionResetError):
            while len(number) < _NUMBER.size:
                data = conn.recv(_NUMBER.size - len(number))
                if not data:
                    break
                number += data
        if len(number) < _NUMBER.size:  # the client aborted at once
            conn.close()
            return
        self.plans[_NUMBER.unpack(number)[0]].talk(conn)

    def close(self) -> None:
        """Wait for all conversations to end."""
        for thread in self.threads:
            thread.join(40)
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def converse(connect, server_sock, count, seed, at_once=24):
    """`count` conversations through whatever `connect()` reaches. Returns what went wrong, in words."""
    rng = random.Random(seed)
    clients = [End.plan(rng) for _ in range(count)]
    plans = [End.plan(rng) for _ in range(count)]
    for client, server in zip(clients, plans, strict=True):
        if client.waits_for_fin and server.waits_for_fin:
            client.waits_for_fin = False  # somebody has to begin
    servers = Servers(server_sock, plans)
    numbers = iter(range(count))
    lock = threading.Lock()

    def run() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            try:
                sock = connect()
                sock.sendall(_NUMBER.pack(number))
            except OSError as error:
                clients[number].error = repr(error)
                continue
            clients[number].talk(sock)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    servers.close()
    return [
        f"seed {seed}, conversation {number}: {client} / {server}"
        for number, (client, server) in enumerate(zip(clients, plans, strict=True))
        if not (client.heard(server) and server.heard(client))
        or ((client.error or server.error) and not (client.aborts or server.aborts))
        or "stuck" in client.error + server.error
    ]


def abort(sock: socket.socket) -> None:
    """Close with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    sock.close()
