"""`Delivery`: how the bytes of an answer reach the other end, all at once or in one of the ways networks fail."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

__all__ = ["AT_ONCE", "IS_CONNECTED", "SPOIL_DELIVERY", "Delivery"]

SPOIL_DELIVERY = "authkit.emulator.spoil_delivery"
"""The key of the WSGI environment under which a server offers a ``Callable[[Delivery], None]``.

What it is called with holds for the answer to this request, and closes the connection afterwards. A silence of a
connection that `is_connecting` is kept before the call returns.
"""

IS_CONNECTED = "authkit.emulator.is_connected"
"""The key that is there when the connection cannot be slow to come about any more: it is used again, or has TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How an answer arrives.

    Attributes:
        silence: seconds before its first byte.
        is_connecting: whether the silence comes before the connection is there.
        head_pause: seconds before each byte of the status line and of the headers.
        body_pause: seconds before each byte of the body.
        reset: where the connection is reset: before the answer, in its status line, in its body, or not at all.
    """

    silence: float = 0.0
    is_connecting: bool = False
    head_pause: float = 0.0
    body_pause: float = 0.0
    reset: Literal["", "answer", "headers", "body"] = ""

    def announce(self, environ: WSGIEnvironment) -> None:
        """Tell the server how the answer has to arrive.

        A server that does no damage to connections leaves the silence to be kept here, and the rest undone.
        """
        if self == AT_ONCE:
            return
        if SPOIL_DELIVERY in environ:
            environ[SPOIL_DELIVERY](self)
        else:
            time.sleep(self.silence)


AT_ONCE = Delivery()
