"""Fixtures for the tests of apps, which pytest finds by itself where authkit is installed.

It is loaded in each run of pytest on such a machine, so it imports nothing but pytest, and changes nothing by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from authkit.emulator import AdjustableClock
    from authkit.testing.audit import AuditLine

__all__ = ["authkit_audit", "authkit_clock", "authkit_settings"]


@pytest.fixture
def authkit_settings(tmp_path: Path) -> dict[str, str]:
    """Give the settings of an app that has every provider whose login can be emulated: ``main({}, **settings)``.

    For an app whose own settings are secret, or not at hand in tests. Registrations are named like their providers,
    the address is https://app.example, and accounts are in a new SQLite file. It is a dict: change what matters.
    """
    from authkit.testing.presets import settings_for_tests

    return settings_for_tests(tmp_path)


@pytest.fixture
def authkit_clock() -> AdjustableClock:
    """Give a clock that goes right until a test moves it: ``authkit_clock.advance(3600)``.

    For what happens later: tokens that end, transactions that expire. Say ``emulate(browser, clock=authkit_clock)``
    before somebody signs in, and the app and its providers go by it.
    """
    from authkit.emulator import AdjustableClock

    return AdjustableClock(time.time)


@pytest.fixture
def authkit_audit() -> Iterator[list[AuditLine]]:
    """Give the list of what authkit writes on its audit logger during the test, each line as a frozen `AuditLine`.

    For what an operator shall read: ``assert authkit_audit[-1].code == "account_denied"``.
    """
    from authkit.testing.audit import listening

    with listening() as lines:
        yield lines
