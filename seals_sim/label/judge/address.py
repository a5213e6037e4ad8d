"""The address of a judge, and the key that it may get."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from seals_sim.errors import UserError
from seals_sim.label.loopback import is_loopback

OWN_KEY, OPENAI_KEY = "SEALS_JUDGE_KEY", "OPENAI_API_KEY"
_OPENAI = "openai.com"


def require_host(url: str) -> str:
    """The host of an address.

    Raises:
        UserError: If it is not a server address, or contains a password, which other users of the machine would see.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UserError(f"is not a server address ({error})", parameter="judge", value=url) from error
    if parts.username is not None or parts.query:
        shown = f"{parts.scheme}://...{parts.hostname or ''}"
        problem = f"contains more than an address; put the key in the environment variable {OWN_KEY}"
        raise UserError(problem, parameter="judge", value=shown)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        problem = "is not a server address; it should look like https://api.openai.com/v1"
        raise UserError(problem, parameter="judge", value=url)
    return parts.hostname


def find_key(host: str, environment: Mapping[str, str]) -> str | None:
    """The key for a host: ours, or OpenAI's, which only OpenAI may see.

    Examples:
        >>> find_key("api.openai.com", {"OPENAI_API_KEY": "a"}), find_key("example.org", {"OPENAI_API_KEY": "a"})
        ('a', None)
        >>> find_key("example.org", {"OPENAI_API_KEY": "a", "SEALS_JUDGE_KEY": "b"})
        'b'
    """
    is_openai = host == _OPENAI or host.endswith(f".{_OPENAI}")
    return environment.get(OWN_KEY) or (environment.get(OPENAI_KEY) if is_openai else None) or None


def warn_of_sending(url: str) -> str:
    """The warning before texts leave the machine; empty if they do not.

    Examples:
        >>> warn_of_sending("http://127.0.0.1:8000/v1")
        ''
    """
    host = require_host(url)
    if is_loopback(host):
        return ""
    open_words = "" if urlsplit(url).scheme == "https" else ", over a connection that is not encrypted"
    return (
        f"warning: judge {url}: the texts of the rows that it judges leave this machine: they are sent to {host}"
        f"{open_words}"
    )
