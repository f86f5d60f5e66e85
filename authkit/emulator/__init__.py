"""What emulators share: reading and answering requests, the pages of a login, a server, and a way without one.

An emulator is a WSGI application that behaves as a provider does (`authkit.Emulator`), for development and tests.
"""

from __future__ import annotations

from authkit.emulator.consent import Choice, Consent, Problem, render_consent, render_problem
from authkit.emulator.messages import Answer, Recorded, Request, read_request
from authkit.emulator.server import RunningServer, serve
from authkit.emulator.transport import WsgiTransport

__all__ = [
    "Answer",
    "Choice",
    "Consent",
    "Problem",
    "Recorded",
    "Request",
    "RunningServer",
    "WsgiTransport",
    "read_request",
    "render_consent",
    "render_problem",
    "serve",
]
