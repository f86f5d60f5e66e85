"""What a test of an adapter supplies, and where the contract's tests get their worlds from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from authkit import AuthKit
from authkit.testing.adapter.world import OnLogin, World, make_world
from authkit.testing.verdicts import lacks

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Stage"]


class Stage:
    """Makes the world of each test. What an adapter's test writes is `make_app`, and what is different about it.

    Attributes:
        nobody: what ``GET /me`` says when nobody is signed in.
        sessions: what the application has besides who is signed in: ``none``, a session in a ``cookie``, or one on
            the ``server``. Unless it is none, ``GET /session`` puts the parameters of its query into the session,
            and answers all of its content as a JSON object, without who is signed in.
        has_login_handler: whether the adapter lets an application decide what to do with a login.
    """

    nobody: ClassVar[str] = ""
    sessions: ClassVar[Literal["none", "cookie", "server"]] = "none"
    has_login_handler: ClassVar[bool] = True

    def make_app(self, kit: AuthKit, on_login: OnLogin | None = None) -> WSGIApplication:
        """Return a new WSGI application with authkit's routes, and ``GET /me``, which says as text who is signed in.

        Args:
            kit: the kit that the adapter is to use.
            on_login: what the application's login handler calls with the `Login`, as the last thing before it
                answers; what it raises comes out of the handler. None for the adapter's own handler.
        """
        raise NotImplementedError(f"{type(self).__name__} has no make_app(kit, on_login=None): see AdapterContract")

    def world(self, settings: Mapping[str, object] | None = None, *, on_login: OnLogin | None = None) -> World:
        """Return a world of its own, with `settings` on top of the usual ones."""
        if on_login is not None and not self.has_login_handler:
            lacks("login handler", declare="has_login_handler = True")
        return make_world(self.make_app, settings or {}, on_login, self.nobody)

    def world_with_sessions(self, *, on_login: OnLogin | None = None) -> World:
        """Return a world whose application has a session."""
        if self.sessions == "none":
            lacks("session besides who is signed in", declare='sessions = "cookie", or "server", and GET /session')
        return self.world(on_login=on_login)
