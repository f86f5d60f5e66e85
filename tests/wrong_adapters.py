"""Adapters that are wrong in one way each: the bare one with a line or two changed.

Every test of the contract has one; it turns that test red and no other. The docs' table is made from here.
"""

from __future__ import annotations

from collections.abc import Mapping

from wrong_answers import HANDLERS, REFUSALS, REPORTS, SESSIONS, SIGN_OUT
from wrong_logins import CALLBACKS, NAMES, STARTS
from wrong_places import Wrong
from wrong_redirects import COOKIES, REDIRECTS

PARTS: Mapping[str, Mapping[str, Wrong]] = {
    "how a login begins": STARTS,
    "paths": NAMES,
    "the way back": CALLBACKS,
    "the cookies of logins": COOKIES,
    "where the browser is sent": REDIRECTS,
    "headers and error pages": REFUSALS,
    "observers and logs": REPORTS,
    "the login handler": HANDLERS,
    "sessions": SESSIONS,
    "signing out": SIGN_OUT,
}
"""The wrong adapters, by what is wrong and by the test that finds them, without its ``test_``."""

WRONG: Mapping[str, Wrong] = {test: defect for part in PARTS.values() for test, defect in part.items()}
