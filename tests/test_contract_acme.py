"""The example plugin passes the contract of providers."""

from __future__ import annotations

import runpy
from pathlib import Path

from authkit.testing import ProviderContract

EXAMPLE = Path(__file__).parent.parent / "examples" / "plugins" / "authkit-acme" / "authkit_acme.py"


class TestAcme(ProviderContract):
    provider = runpy.run_path(str(EXAMPLE))["acme"]
