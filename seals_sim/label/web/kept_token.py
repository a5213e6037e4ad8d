"""The token stored next to the session, so that an open tab continues when the program is started again.

Only its owner may read the file. A file that others could have read or written, or that someone else put there (the
folder of a session may be shared), is not trusted but replaced.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seals_sim.disk.files import write_text
from seals_sim.errors import UserError

_CONTENT = re.compile(r"([\w-]{32}) ([0-9]{1,5})\n", re.ASCII)
_ENDING = ".token"


@dataclass(frozen=True)
class KeptToken:
    """A token, and the port at which it was last used; 0: none.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     session = Path(folder) / "calls.csv.seals"
        ...     token = KeptToken.make().token
        ...     KeptToken(token, 8765).save(session)
        ...     KeptToken.read(session) == KeptToken(token, 8765)
        True
    """

    token: str
    port: int = 0

    @classmethod
    def make(cls) -> KeptToken:
        """Make a new token."""
        return cls(secrets.token_urlsafe(24))

    @classmethod
    def read(cls, session: Path) -> KeptToken:
        """Read the token next to a session; make a new one if there is none that can be trusted."""
        try:
            handle = os.open(place_token(session), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return cls.make()
        try:
            about = os.fstat(handle)
            is_own = about.st_uid == os.geteuid() and not about.st_mode & 0o077 and about.st_nlink == 1
            content = os.read(handle, 100) if is_own and stat.S_ISREG(about.st_mode) else b""
        finally:
            os.close(handle)
        match = _CONTENT.fullmatch(content.decode("ascii", "replace"))
        return cls(match[1], min(int(match[2]), 65_535)) if match else cls.make()

    def save(self, session: Path) -> None:
        """Write the token next to a session. If that is not possible, open tabs end with the server."""
        path = place_token(session)
        with suppress(UserError, OSError):
            if KeptToken.read(session) != self:
                with suppress(FileNotFoundError):
                    path.unlink()  # `write_text` would keep its permissions, and follow a link
                write_text(path, f"{self.token} {self.port}\n", is_private=True)


def place_token(session: Path) -> Path:
    """The file that stores the token of a session."""
    return session.with_name(f"{session.name}{_ENDING}")
