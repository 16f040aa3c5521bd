"""A service behind the virtual address: sends back every datagram with this node's name. `python echo.py PORT NAME`."""

import socket
import sys


def main() -> None:
    """Until it is killed."""
    port, name = int(sys.argv[1]), sys.argv[2].encode()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", port))
    while True:
        data, sender = sock.recvfrom(64)
        sock.sendto(data + name, sender)


if __name__ == "__main__":
    main()
