"""For tests: contracts that a plugin or an adapter passes, and logins in one line. It needs the extra ``[testing]``."""

from __future__ import annotations

__all__: list[str] = []
