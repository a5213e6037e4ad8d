"""Where to serve the page: a listening socket, and its address."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress

from seals_sim.errors import UserError
from seals_sim.label.web.guard import ANY


def require_address(host: str, port: int) -> None:
    """Check that the page can be served at an address, before long work begins.

    Args:
        host: An address of this machine.
        port: 0 for a free one.

    Raises:
        UserError: If it cannot.
    """
    _listen(host, port).close()


def listen_again(host: str, port: int, last_port: int) -> socket.socket:
    """If any port will do, use the previous one, where a tab may be waiting."""
    if port == 0 and last_port:
        with suppress(UserError):  # another program uses it now
            return _listen(host, last_port)
    return _listen(host, port)


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise UserError("must be between 0 and 65535", parameter="port", value=port)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UserError("not an address of this machine", parameter="host", value=host) from error
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UserError("is in use; choose another, or 0 for a free one", parameter="port", value=port) from error
        if error.errno == errno.EACCES:
            raise UserError("requires root; choose 1024 or above, or 0", parameter="port", value=port) from error
        raise UserError(f"cannot be used ({error.strerror})", parameter="host", value=host) from error
    return listening


def format_host(host: str) -> str:
    """The host as it appears in an address."""
    if host in ANY:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
