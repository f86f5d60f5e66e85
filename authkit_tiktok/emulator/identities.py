"""`Identities`: under which ids an app knows a user."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.user import User

__all__ = ["Identities"]


@dataclass(frozen=True, slots=True)
class Identities:
    """The ids of users ("Get User Info"): an open id for each app, a union id for all apps of a developer.

    Attributes:
        home: the app that knows users by their ids as written; every other app, or other developer, knows them by
            ids that are made of these, always the same ones.
    """

    home: App

    def open_id(self, user: User, app: App) -> str:
        """Return the id that `user` has at `app`."""
        if app.client_key == self.home.client_key:
            return user.open_id
        digest = hashlib.sha256(f"{user.open_id} {app.client_key}".encode("utf-8", "replace")).digest()
        return "-000" + urlsafe_b64encode(digest[:21]).decode("ascii")

    def union_id(self, user: User, app: App) -> str:
        """Return the id that `user` has at all apps of the developer of `app`."""
        if app.developer == self.home.developer:
            return user.union_id
        return str(uuid5(NAMESPACE_URL, f"{user.union_id} {app.developer}"))
