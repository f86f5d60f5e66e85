"""For tests: contracts for plugins and adapters, and logins in one line. It needs the extra ``[testing]``."""

from __future__ import annotations

__all__: list[str] = []
