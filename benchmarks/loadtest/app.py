"""The app's process: Pyramid with accounts, as small as it can be, under waitress."""

from __future__ import annotations

import logging
import socket
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import event
from waitress.server import create_server

from authkit.pyramid.accountpolicy import DATABASE
from authkit.pyramid.handlers import LoginHandler
from loadtest.memory import in_use

__all__ = ["AUDIT", "WARNINGS", "MakeApp", "make_app", "run_app"]

MakeApp = Callable[[Mapping[str, str]], Any]
AUDIT = "audit.log"
"""The file with the audit lines."""
WARNINGS = "app.log"
"""The file with warnings of everything else."""
HOST = "localhost"
"""Not the provider's 127.0.0.1: browsers keep cookies by host, whatever the port."""


def me(request: Request) -> Response:
    """Say who is signed in, and by what."""
    account = request.identity
    if account is None:
        return Response(json_body={"account": None})
    subjects = [linked.identity.subject for linked in request.accounts.identities(account.id)]
    return Response(json_body={"account": account.id, "name": account.display_name, "subjects": subjects})


def refresh(request: Request) -> Response:
    """Refresh the token of whoever is signed in, of the identity that came first."""
    identity = request.accounts.identities(request.authenticated_userid)[0].identity
    request.vault.refresh(identity)
    return Response(json_body={})


def make_app(settings: Mapping[str, str], on_login: LoginHandler | None = None) -> Any:
    """Return the app, with a login handler of its own or without."""
    with Configurator(settings=dict(settings)) as config:
        config.include("authkit.pyramid.accounts")
        if on_login:
            config.set_authkit_login_handler(on_login)
        event.listen(config.registry[DATABASE].engine, "connect", _cache_little)
        config.add_route("me", "/me")
        config.add_view(me, route_name="me")
        config.add_route("refresh", "/refresh")
        config.add_view(refresh, route_name="refresh")
    return config.make_wsgi_app()


def _cache_little(connection: Any, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's signature
    """Keep SQLite from caching up to 2 MB for each connection: as the file grows, that would look like a leak."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA cache_size = -128")


def run_app(
    pipe: Connection, make: MakeApp, settings: Mapping[str, str], folder: Path, threads: int, patience: int
) -> None:
    """Serve until the other end of `pipe` is closed. Tells the origin, and logs into two files in `folder`.

    Each word from there is answered with what is `in_use`.
    """
    _log_to(folder)
    listener = socket.create_server((HOST, 0), backlog=256)
    origin = f"http://{HOST}:{listener.getsockname()[1]}"
    app = make({**settings, "authkit.base_url": origin})
    server = create_server(app, sockets=[listener], threads=threads, channel_timeout=patience)
    threading.Thread(target=server.run, daemon=True).start()
    pipe.send(origin)
    with suppress(EOFError):
        while pipe.recv():
            pipe.send(in_use())


def _log_to(folder: Path) -> None:
    audit = logging.getLogger("authkit.audit")
    audit.setLevel(logging.INFO)
    audit.propagate = False
    audit.addHandler(_handler(folder / AUDIT, "%(message)s"))
    logging.getLogger().addHandler(_handler(folder / WARNINGS, "%(asctime)s %(levelname)s %(name)s %(message)s"))


def _handler(path: Path, form: str) -> logging.Handler:
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter(form))
    return handler
