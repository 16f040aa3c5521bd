"""The only package that knows sockets, clocks and processes."""
