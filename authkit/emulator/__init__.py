"""What emulators share: reading and answering requests, the pages of a login, a server, and a way without one.

An emulator is a WSGI application that behaves as a provider does (`authkit.Emulator`), for development and tests.
"""

from __future__ import annotations

from authkit.emulator.clock import AdjustableClock
from authkit.emulator.consent import Choice, Consent, Problem, render_consent, render_problem
from authkit.emulator.faults import Fault, Faults
from authkit.emulator.messages import Answer, Request, read_request
from authkit.emulator.requestlog import Recorded, RequestLog
from authkit.emulator.rules import Rule
from authkit.emulator.server import RunningServer, serve
from authkit.emulator.switches import Switch, Switchboard, switch
from authkit.emulator.transport import WsgiTransport
from authkit.emulator.wire import Delivery
from authkit.emulator.workbench import Endpoint, HasWorkbench, Table, Workbench

__all__ = [
    "AdjustableClock",
    "Answer",
    "Choice",
    "Consent",
    "Delivery",
    "Endpoint",
    "Fault",
    "Faults",
    "HasWorkbench",
    "Problem",
    "Recorded",
    "Request",
    "RequestLog",
    "Rule",
    "RunningServer",
    "Switch",
    "Switchboard",
    "Table",
    "Workbench",
    "WsgiTransport",
    "read_request",
    "render_consent",
    "render_problem",
    "serve",
    "switch",
]
