"""ClientHellos for tests, as OpenSSL writes them, and cut as the network may cut them."""

import ssl


def client_hello(name=None, *, alpn=(), version=None):
    """The first flight of a TLS client that wants to talk to `name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version is not None:
        context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(list(alpn))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def record(fragment):
    """A TLS record with a piece of a handshake message."""
    return b"\x16\x03\x01" + len(fragment).to_bytes(2, "big") + fragment


def in_records(hello, size):
    """The same hello in records of so many bytes."""
    message = hello[5:]
    return b"".join(record(message[at:at + size]) for at in range(0, len(message), size))
