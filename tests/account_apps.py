"""Pyramid applications with accounts, what their visitors do, and a look into their database."""

from __future__ import annotations

import gc
import socket
import socketserver
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from bs4 import BeautifulSoup
from fakes import acme, plugins_with, state_of
from pyramid.response import Response
from pyramid_apps import World, answer_of, call, named, other
from sqlalchemy import func, select
from webtest import TestApp, TestResponse

from authkit import Identity
from authkit.accounts import Accounts, Database, metadata
from authkit.accounts.schema import audit, claims

JSON = {"Accept": "application/json"}
ADA, BEN = ("user-1", "Ada"), ("user-2", "Ben")


def kept_in(database: Any) -> Callable[..., None]:
    """Return a part of an app that sets its database."""

    def include(config: Any) -> None:
        config.registry["authkit.database"] = database

    return named(include)


def key_of(person: tuple[str, str], name: str = "acme") -> str:
    """Return the key of a person's identity."""
    return Identity(name, f"{name}-client", person[0]).key


def checksum(database: Database) -> Mapping[str, object]:
    """Return all that is stored, the audit trail and the claims excepted."""
    tables = [table for table in metadata.sorted_tables if table not in (audit, claims)]
    return database.read(
        lambda executor: {table.name: sorted(map(repr, executor.execute(select(table)).all())) for table in tables}
    )


def count(database: Database, table: Any) -> int:
    """Return how many rows a table has."""
    return database.read(lambda executor: executor.execute(select(func.count()).select_from(table)).scalar_one())


class AccountApp:
    """An app with accounts. The provider says that everybody is Ada, until `become` says who.

    Attributes:
        world: the app, and all that can be watched from outside.
        database: where it keeps its accounts.
        accounts: its accounts, as its own Python code sees them.
        observed: what the observers of accounts were told: the event, the account's id, the identity's key.
    """

    def __init__(self, new_world: Any, database: Any, *after: Any, before: Any = (), **options: Any) -> None:
        told: list[tuple[str, str]] = []
        self.observed: list[tuple[str, str, str]] = []

        def observer(event: str) -> Callable[[str, Identity], None]:
            return lambda account_id, identity: self.observed.append((event, account_id, identity.key))

        plugins = options.pop("plugins", None) or plugins_with(
            *options.get("providers", (acme, other)),
            authkit_login_succeeded=lambda login: told.append(("succeeded", login.correlation_id)),
            authkit_login_failed=lambda error: told.append(("failed", error.correlation_id)),
            authkit_account_created=observer("created"),
            authkit_linked=observer("linked"),
            authkit_unlinked=observer("unlinked"),
        )
        parts = [*before, kept_in(database), "authkit.pyramid.accounts"]
        self.world: World = new_world(*after, before=parts, plugins=plugins, **options)
        self.world.told = told
        self.world.stored = lambda: checksum(database)
        self.database = database
        self.accounts = Accounts(self.world.kit, database)

    def become(self, person: tuple[str, str]) -> None:
        """Let the provider say from now on who it is."""
        self.world.network.replies["me"] = {"id": person[0], "name": person[1]}

    def signed_in(self, person: tuple[str, str] = ADA, name: str = "acme") -> TestApp:
        """Return a browser in which a person has signed in."""
        self.become(person)
        browser = self.world.browser()
        self.world.log_in(browser, name)
        return browser

    def account_of(self, person: tuple[str, str], name: str = "acme") -> str | None:
        """Return the id of the account that a person's identity belongs to."""
        account = self.accounts.of(Identity(name, f"{name}-client", person[0]))
        return None if account is None else account.id

    def keys(self, account_id: str | None) -> list[str]:
        """Return the keys of an account's identities."""
        return [linked.identity.key for linked in self.accounts.identities(account_id or "")]

    def token(self, browser: TestApp) -> str:
        """Return a CSRF token for who is signed in."""
        return str(browser.get(self.world.path("/accounts"), headers=JSON, status=200).json["csrf_token"])

    def post(self, browser: TestApp, path: str, *, status: int = 303, headers: Any = None, **fields: str) -> Any:
        """Send a form as our own page does."""
        form = {"csrf_token": self.token(browser), **fields}
        return browser.post(self.world.path(path), form, headers=headers or {}, status=status)

    def start_link(self, browser: TestApp, name: str = "acme", **fields: str) -> str:
        """Ask to connect another identity, and return the state."""
        return state_of(self.post(browser, f"/{name}/link", **fields).location)

    def link(self, browser: TestApp, person: tuple[str, str], name: str = "acme", *, status: int = 303) -> Any:
        """Connect another identity, and return the last answer."""
        state = self.start_link(browser, name)
        self.become(person)
        return browser.get(self.world.callback(state, name), status=status)

    def refused(
        self,
        browser: TestApp,
        path: str,
        code: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        exchanges: int = 0,
    ) -> TestResponse:
        """Ask for `path`, which must be refused with `code`; nothing is stored, and nobody is signed in or out.

        A form is sent where `fields` are given. `exchanges` is how many codes are used up by it.
        """
        before = self._seen(browser)
        if fields is None:
            response = browser.get(path, headers=headers or {}, expect_errors=True)
        else:
            response = browser.post(path, fields, headers=headers or {}, expect_errors=True)
        self.world.assert_refusal(answer_of(response), code)
        me, stored, claimed, exchanged, told, lines = before
        assert self._seen(browser) == (
            me,
            stored,
            claimed + exchanges,
            exchanged + exchanges,
            told + 1,
            lines + 1,
        )
        return response

    def _seen(self, browser: TestApp) -> tuple[object, ...]:
        return (
            self.world.me(browser),
            checksum(self.database),
            count(self.database, claims),
            self.world.exchanges,
            len(self.world.told),
            len(self.world.audit),
        )


class Passers:
    """The requests that came to ``/seen``, by a part of an app; none of them is kept."""

    def __init__(self) -> None:
        self._seen: list[weakref.ref[Any]] = []

        def include(config: Any) -> None:
            config.add_route("seen", "/seen")
            config.add_view(self._see, route_name="seen")

        self.part = named(include)

    def _see(self, request: Any) -> Response:
        self._seen.append(weakref.ref(request))
        request.accounts.get("nobody")
        return Response(request.authkit_csrf_token())

    def left(self, app: AccountApp) -> int:
        """Return how many of ten requests are there after they were answered, unless the collector takes them."""
        call(app.world.app, "/seen")  # the first has the app made ready
        self._seen.clear()
        gc.disable()
        try:
            assert {call(app.world.app, "/seen").status for _ in range(10)} == {200}
            return sum(request() is not None for request in self._seen)
        finally:
            gc.enable()


def parse(response: TestResponse) -> BeautifulSoup:
    """Return the page in a response."""
    return BeautifulSoup(response.text, "html.parser")


class _Forwarding(socketserver.BaseRequestHandler):
    """Passes on what comes from either side, until one of them ends."""

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(self.server.target, timeout=30) as upstream:
            self.server.open += [self.request, upstream]
            back = threading.Thread(target=self._pass, args=(upstream, self.request), daemon=True)
            back.start()
            self._pass(self.request, upstream)
            back.join()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                target.sendall(chunk)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class _Forwarder(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Outage:
    """A database server behind a port that is closed and opened again, as if the server went down and came back."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port: int = found.getsockname()[1]
        self._server: Any = None

    def come_back(self) -> None:
        """Let connections through."""
        self._server = _Forwarder(("127.0.0.1", self.port), _Forwarding)
        self._server.target, self._server.open = self._target, []
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def go_down(self) -> None:
        """Refuse connections, and cut those that are there."""
        if self._server is not None:
            self._server.shutdown()
            for connection in self._server.open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._server.server_close()
            self._server = None


@contextmanager
def outage_of(database: Database) -> Iterator[tuple[Outage, Database]]:
    """Give an outage, which has begun, of the server of `database`, and the database as it is reached through it."""
    url = database.engine.url
    outage = Outage(url.host or "127.0.0.1", url.port or 0)
    reached = Database.open(url.set(port=outage.port, host="127.0.0.1").render_as_string(hide_password=False))
    try:
        yield outage, reached
    finally:
        outage.go_down()
        reached.close()
