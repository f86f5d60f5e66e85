"""What emulators share: reading and answering requests, the pages of a login, a server, and a way without one.

An emulator is a WSGI application that behaves as a provider does (`authkit.Emulator`), for development and tests.
"""

from __future__ import annotations

from authkit.emulator.clock import AdjustableClock
from authkit.emulator.consent import Choice, Consent, Problem, render_consent, render_problem
from authkit.emulator.control import CONTROL_PATH, Action, Table
from authkit.emulator.drivable import Drivable
from authkit.emulator.faults import Fault, Faults
from authkit.emulator.kinds import KINDS, Kind
from authkit.emulator.logline import LogLine, Severity, describe
from authkit.emulator.messages import Answer, Request, read_request
from authkit.emulator.openid import OpenIDClient, OpenIDEmulator, OpenIDSwitches
from authkit.emulator.recipes import HasRecipes, Recipe
from authkit.emulator.records import Configurable, read_records
from authkit.emulator.requestlog import Recorded, RequestLog
from authkit.emulator.rules import Rule
from authkit.emulator.server import RunningServer, serve
from authkit.emulator.shelf import Shelf
from authkit.emulator.stock import StockClient, StockEmulator, StockMaker, StockSwitches
from authkit.emulator.switches import Switch, Switchboard, switch
from authkit.emulator.transport import WsgiTransport
from authkit.emulator.wire import Delivery
from authkit.emulator.workbench import Endpoint, HasWorkbench, Workbench

__all__ = [
    "CONTROL_PATH",
    "KINDS",
    "Action",
    "AdjustableClock",
    "Answer",
    "Choice",
    "Configurable",
    "Consent",
    "Delivery",
    "Drivable",
    "Endpoint",
    "Fault",
    "Faults",
    "HasRecipes",
    "HasWorkbench",
    "Kind",
    "LogLine",
    "OpenIDClient",
    "OpenIDEmulator",
    "OpenIDSwitches",
    "Problem",
    "Recipe",
    "Recorded",
    "Request",
    "RequestLog",
    "Rule",
    "RunningServer",
    "Severity",
    "Shelf",
    "StockClient",
    "StockEmulator",
    "StockMaker",
    "StockSwitches",
    "Switch",
    "Switchboard",
    "Table",
    "Workbench",
    "WsgiTransport",
    "describe",
    "read_records",
    "read_request",
    "render_consent",
    "render_problem",
    "serve",
    "switch",
]
