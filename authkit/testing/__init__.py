"""For tests: contracts for plugins and adapters, and logins in one line. It needs the extra ``[testing]``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authkit.testing.adapter import AdapterContract
    from authkit.testing.audit import AuditLine
    from authkit.testing.emulation import emulate, emulator_of
    from authkit.testing.logins import login_as, login_fails
    from authkit.testing.provider import ProviderContract

__all__ = [
    "AdapterContract",
    "AuditLine",
    "ProviderContract",
    "emulate",
    "emulator_of",
    "login_as",
    "login_fails",
]

LATE = {
    "AdapterContract": "authkit.testing.adapter",
    "AuditLine": "authkit.testing.audit",
    "ProviderContract": "authkit.testing.provider",
    "emulate": "authkit.testing.emulation",
    "emulator_of": "authkit.testing.emulation",
    "login_as": "authkit.testing.logins",
    "login_fails": "authkit.testing.logins",
}
EXTRAS = {"pyramid": "pyramid", "pytest": "testing", "webtest": "testing"}


def __getattr__(name: str) -> object:
    if name not in LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(LATE[name]), name)
    except ModuleNotFoundError as exc:
        missing = (exc.name or "").partition(".")[0]
        if missing not in EXTRAS:
            raise
    raise ModuleNotFoundError(
        f"authkit.testing.{name} needs {missing}: pip install 'authkit-core[{EXTRAS[missing]}]'", name=missing
    )
