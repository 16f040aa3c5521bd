"""VRRP: RFC 9568 (version 3) and RFC 3768 (version 2), without a clock or a socket."""
