"""A client that asks the service behind an address all the time: `python probe.py ADDRESS PORT SECONDS_BETWEEN`.

Writes "when it was answered, by whom" a line, Unix time, until SIGTERM.
"""

import select
import signal
import socket
import sys
import time


def main() -> None:
    """Ask, and write down who answered."""
    address, port, between = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    due = time.monotonic()
    try:
        while True:
            try:
                sock.sendto(b"?", (address, port))
            except OSError:  # nobody has the address: the kernel's way to say that ARP found nobody
                pass
            due = max(due + between, time.monotonic())
            while (left := due - time.monotonic()) > 0:
                if select.select([sock], [], [], left)[0]:
                    try:
                        data = sock.recv(64)
                    except OSError:
                        continue
                    sys.stdout.write(f"{time.time():.6f} {data[1:].decode()}\n")
    finally:
        sys.stdout.flush()


if __name__ == "__main__":
    main()
