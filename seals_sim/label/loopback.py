"""Whether a host is this machine."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine.

    Examples:
        >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "localhost.example.org", "10.0.0.1")]
        [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
