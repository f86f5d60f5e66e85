"""A socket whose other end has said all that it has to say."""

from __future__ import annotations

from io import BytesIO
from typing import Any


class Sock:
    """What a connection needs of a socket.

    Attributes:
        sent: what was sent to the other end.
    """

    def __init__(self, said: bytes) -> None:
        self._said = said
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def makefile(self, mode: str) -> BytesIO:
        assert mode == "rb"
        return _File(self._said)

    def settimeout(self, _: float | None) -> None:
        """Do nothing: it never waits."""


class _File(BytesIO):
    """A buffered reader to its caller, who takes what is below: the same."""

    def detach(self) -> Any:
        return self
