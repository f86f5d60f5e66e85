"""`Drivable`: an emulator that a test can drive: people are enrolled, and say yes or no, without a browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from authkit.emulator.workbench import HasWorkbench
from authkit.models import Profile
from authkit.provider import Emulator

__all__ = ["Drivable"]


@runtime_checkable
class Drivable(Emulator, HasWorkbench, Protocol):
    """An emulator that does in one call what somebody would do on its pages."""

    def approve(self, authorize_url: str, *, user: int | str = 0, scopes: Sequence[str] | None = None) -> str:
        """Go to `authorize_url` as a browser would, continue as `user`, and return the callback's address.

        Args:
            authorize_url: an authorization request, at whatever host.
            user: the place of an account, its subject, or another name that it has; a subject goes first.
            scopes: the boxes that stay ticked; None for all of them.

        Raises:
            ValueError: the provider would show an error page, and the message says why; or there is no such user or
                box.
        """
        ...

    def deny(self, authorize_url: str) -> str:
        """Go to `authorize_url` as a browser would, cancel, and return the callback's address.

        Raises:
            ValueError: the provider would show an error page; the message says why.
        """
        ...

    def enrol(self, profile: Profile) -> str:
        """Add an account, so that whoever signs in with it has this profile, and return its subject.

        An account that has the subject already is replaced; tokens that it granted before tell of it as it was. What
        `profile` leaves out (None), the account has not either, or something made up where the provider cannot do
        without. ``raw`` is not read.

        Raises:
            ValueError: the provider cannot say one of these things of anybody; the message names the field.
        """
        ...
