"""The port of a server."""

import socket

from yardbird.errors import InputError


def open_port(host: str, port: int, remedy: str = "use another --host or --port") -> socket.socket:
    """Listen on an address.

    Raises:
        InputError: the port is in use, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        found = str(error.strerror).partition(" (")[0]
        raise InputError(f"{host}:{port}", expected="a free port", found=found, remedy=remedy) from None
