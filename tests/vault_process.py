"""What runs in other processes: servers of an app whose users signed in at TikTok's emulator."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from fakes import BASE_URL, SECRET, plugins_with

from authkit import AuthKit, Identity, Login
from authkit.accounts import Accounts, Database, Vault
from authkit.errors import AuthkitError
from authkit_tiktok.provider import tiktok

STEP = 8000
"""By how much to put a clock forward so that every token has ended: TikTok's live for 7200 seconds."""


class Order(NamedTuple):
    """What a child is to do: for whom to ask, how far ahead its clock is, and whether to go on afterwards."""

    identity: tuple[str, str, str]
    ahead: float
    is_to_go_on: bool


class Clock:
    """The time of a server, which can be put forward."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead

    def __call__(self) -> float:
        return time.time() + self.ahead


class Server:
    """One server: a kit that reaches the emulator, a database and a vault.

    Args:
        place: the URL of the database and the settings of the registration, as `describe` writes them.
        ahead: how far its clock is ahead.
    """

    def __init__(self, place: str, ahead: float = 0.0) -> None:
        known: Mapping[str, Any] = json.loads(place)
        self.clock = Clock(ahead)
        self.kit = AuthKit.from_settings(
            {
                "authkit.secret": SECRET,
                "authkit.base_url": BASE_URL,
                **{f"authkit.tiktok.{name}": value for name, value in known["tiktok"].items()},
            },
            clock=self.clock,
            plugins=plugins_with(tiktok),
            environ={},
        )
        self.database = Database.open(known["database"])
        self.accounts = Accounts(self.kit, self.database)
        self.vault = Vault(self.kit, self.database, lease=known["lease"])

    def sign_in(self, emulator: Any) -> Identity:
        """Let the emulator's first user sign in, and return who it is."""
        redirect = self.kit.begin("tiktok")
        query = emulator.approve(redirect.url).partition("?")[2]
        login: Login = self.kit.complete("tiktok", query, redirect.cookies).login
        self.accounts.sign_in(login)
        return login.identity


def describe(database: Database, tiktok: Mapping[str, str], *, lease: int) -> str:
    """Return the place of a `Server` as one text, which another process understands."""
    url = database.engine.url.render_as_string(hide_password=False)
    return json.dumps({"database": url, "tiktok": dict(tiktok), "lease": lease})


def ask(server: Server, words: str) -> str:
    """Return the access token of somebody, at a time at which the last one has ended."""
    words = json.loads(words)
    server.clock.ahead = words["ahead"]
    return server.vault.access_token(Identity(*words["identity"])).reveal()


def nurse_children(connections: Sequence[Connection]) -> None:
    """Fork a nurse for each connection, which forks a child for each order that comes through it.

    A child is made of a process that has imported everything and begun nothing, so it is there at once.
    """
    for connection in connections:
        if os.fork() == 0:
            _nurse(connection)
    for connection in connections:
        connection.close()
        os.wait()


def _nurse(connection: Connection) -> None:
    """Have a child for each order, and tell its exit status. First comes the place of the server that it is."""
    try:
        server = Server(connection.recv())  # which has no connections before it is asked for anything
        while True:
            _have_child(server, connection.recv(), connection)
    except (EOFError, ConnectionResetError):
        os._exit(0)


def _have_child(server: Server, order: Order, connection: Connection) -> None:
    child = os.fork()
    if child == 0:
        try:
            refresh_until_killed(server, order, connection)
        finally:
            os._exit(1)
    connection.send(os.waitpid(child, 0)[1])


def refresh_until_killed(server: Server, order: Order, told: Connection) -> None:
    """Ask for a token and tell what came of it; go on with new ones, for a minute at most, if that is wanted."""
    identity = Identity(*order.identity)
    server.clock.ahead = order.ahead
    try:
        answer = ("good", server.vault.access_token(identity).reveal())
    except AuthkitError as error:
        answer = (error.code, error.reason)
    told.send((os.getpid(), *answer))
    ends_at = time.monotonic() + 60
    while order.is_to_go_on and answer[0] == "good" and time.monotonic() < ends_at:
        server.clock.ahead += STEP
        server.vault.access_token(identity)
