"""An adapter on bare WSGI keeps the contract, so the contract is no portrait of Pyramid."""

from __future__ import annotations

from bare_adapter import BareApp

from authkit.testing import AdapterContract


class TestBareAdapter(AdapterContract):
    sessions = "server"

    def make_app(self, kit, on_login=None):
        return BareApp(kit, on_login)
