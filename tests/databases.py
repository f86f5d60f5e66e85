"""Databases for tests: SQLite in a file, PostgreSQL and MariaDB where they can be reached.

AUTHKIT_TEST_POSTGRESQL and AUTHKIT_TEST_MARIADB are URLs of servers in which databases may be made; without them, the
usual ports of this machine are tried. MariaDB has no TLS there: PyMySQL need not read all certificates of the system
for each connection, which takes 30 ms.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest

NAMES = ("sqlite", "postgresql", "mariadb")
SERVERS: Mapping[str, str] = {
    "postgresql": os.environ.get("AUTHKIT_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres"),
    "mariadb": os.environ.get("AUTHKIT_TEST_MARIADB", "mysql://root@127.0.0.1:3306/mysql?ssl_disabled=true"),
}

EMPTYING: Mapping[str, tuple[str, ...]] = {
    "postgresql": (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{0}' AND pid <> pg_backend_pid()",
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
    ),
    "mariadb": ("DROP DATABASE {0}", "CREATE DATABASE {0}"),
}
"""What empties a database; a new one takes much longer, as PostgreSQL writes everything to the disk for that."""


class Servers:
    """The servers of this machine, each asked once whether it answers; the databases made in them are dropped."""

    def __init__(self) -> None:
        self._made: list[tuple[str, str]] = []
        self._shared: dict[str, str] = {}

    def new_url(self, name: str, folder: Path) -> str:
        """Return the URL of a new, empty database."""
        from sqlalchemy import make_url

        if name == "sqlite":
            return f"sqlite:///{folder / f'authkit-{secrets.token_hex(4)}.sqlite'}"
        database = f"authkit_test_{os.getpid()}_{secrets.token_hex(4)}"
        self.execute(name, f"CREATE DATABASE {database}")
        self._made.append((name, database))
        if name == "postgresql":  # no test has the power cut, so no commit need wait for the disk
            self.execute(name, f"ALTER DATABASE {database} SET synchronous_commit = off")
        return make_url(SERVERS[name]).set(database=database).render_as_string(hide_password=False)

    def shared_url(self, name: str, folder: Path) -> str:
        """Return the URL of a database with the tables in it, that tests use one after the other."""
        from authkit.accounts import Database, metadata

        if name not in self._shared:
            self._shared[name] = self.new_url(name, folder)
            database = Database.open(self._shared[name])
            metadata.create_all(database.engine)
            database.close()
        return self._shared[name]

    def empty_url(self, name: str, folder: Path) -> str:
        """Return the URL of a database with nothing in it. In a server, that is always the same one, emptied."""
        from sqlalchemy import make_url

        if name == "sqlite":
            return self.new_url(name, folder)
        key = f"{name}, empty"
        if key not in self._shared:
            self._shared[key] = self.new_url(name, folder)
            return self._shared[key]
        url = self._shared[key]
        for statement in EMPTYING[name]:
            self.execute(name, statement.format(make_url(url).database), url if name == "postgresql" else "")
        return url

    def drop_all(self) -> None:
        for name, database in self._made:
            force = " WITH (FORCE)" if name == "postgresql" else ""
            self.execute(name, f"DROP DATABASE IF EXISTS {database}{force}")

    def execute(self, name: str, statement: str, url: str = "") -> None:
        """Run a statement in a server, or in the database at `url`."""
        from conftest import needs
        from sqlalchemy import NullPool, create_engine
        from sqlalchemy.exc import OperationalError

        from authkit.accounts.engines import new_engine
        from authkit.models import Secret

        engine = create_engine(
            new_engine(Secret(url or SERVERS[name])).url, poolclass=NullPool, connect_args={"connect_timeout": 3}
        )
        try:
            connection = engine.connect()
        except OperationalError:
            needs(None, f"a server at {SERVERS[name]}")
            raise
        with connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(statement)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Give what makes databases, and drops them at the end."""
    servers = Servers()
    yield servers
    servers.drop_all()


@pytest.fixture(params=NAMES)
def database(request, servers, tmp_path_factory):
    """Give a database with empty tables: the test runs on SQLite, PostgreSQL and MariaDB."""
    from authkit.accounts import Database, metadata

    opened = Database.open(servers.shared_url(request.param, tmp_path_factory.getbasetemp()))
    with opened.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    yield opened
    opened.close()


@pytest.fixture(params=NAMES)
def empty_database_url(request, servers, tmp_path) -> str:
    """Give the URL of a database without tables, for tests that make them, or break them."""
    return servers.empty_url(request.param, tmp_path)


class Relay:
    """A port in front of a server, which can be closed and opened: a server that comes and goes."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener: socket.socket | None = None
        self._pipes: list[socket.socket] = []
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port: int = probe.getsockname()[1]

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections, and cut those that there are."""
        if self._listener is not None:
            _cut(self._listener)
            self._listener = None
        while self._pipes:
            _cut(self._pipes.pop())

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection(self._target)
                self._pipes += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pour, args=(source, sink), daemon=True).start()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _cut(sink)


def _cut(found: socket.socket) -> None:
    with suppress(OSError):
        found.shutdown(socket.SHUT_RDWR)
    found.close()


@pytest.fixture
def relay(database) -> Iterator[Relay]:
    """Give a relay to the server of the `database` at hand; nothing answers there yet."""
    url = database.engine.url
    relay = Relay(url.host, url.port or {"postgresql": 5432, "mysql": 3306}[url.get_backend_name()])
    yield relay
    relay.close()
