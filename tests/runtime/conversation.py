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
    sent: str = ""
    received: str = ""
    error: str = ""

    @staticmethod
    def plan(rng: random.Random) -> "End":
        """Anything that a program might do."""
        kind = rng.random()
        sizes = [rng.choice((0, 1, 10, 1000, 70_000, 400_000)) for _ in range(rng.randrange(5))]
        writes = [(rng.choice((0, 0, 0, 0.001, 0.02)), rng.randint(size // 2, size)) for size in sizes]
        return End(rng.randrange(2**31), writes, waits_for_fin=kind < 0.15, slow=kind > 0.9)

    def talk(self, sock: socket.socket) -> None:
        """Carry the plan out on a connected socket, read everything until FIN, close."""
        rng = random.Random(self.seed)
        sent, received = hashlib.sha256(), hashlib.sha256()
        writes = [(time.monotonic() + pause, rng.randbytes(size)) for pause, size in self.writes]
        sock.setblocking(False)
        reading, writing, fin_seen = True, True, False
        deadline = time.monotonic() + 30
        try:
            while reading or writing:
                may_write = writing and (fin_seen or not self.waits_for_fin)
                if may_write and not writes:
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
        while len(number) < _NUMBER.size:
            number += conn.recv(_NUMBER.size - len(number)) or b"\xff" * 4
        self.plans[_NUMBER.unpack(number[:4])[0]].talk(conn)

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
        if client.error or server.error or client.sent != server.received or server.sent != client.received
    ]


def abort(sock: socket.socket) -> None:
    """Close with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    sock.close()
