"""The provider's process: the emulator of TikTok over TLS, with its faults, and a journal of what the app asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from io import TextIOWrapper
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from authkit.emulator import Fault, Recorded, Workbench, serve
from authkit_tiktok.emulator import TikTokEmulator, User
from loadtest.faultmix import CALLS
from loadtest.people import Person

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Call", "read_journal", "run_provider"]

LARGEST = 64 * 1024
"""No token answer is longer, unless a fault has filled it up."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the app.

    Attributes:
        login: the code of the login whose call it is, or whose tokens it has; "" for none that is known.
        endpoint: what was called: ``token``, or ``refresh`` if with a refresh token; ``userinfo``, ``revoke``.
        fault: the fault that disturbed it, with its value; "" for none.
    """

    login: str
    endpoint: str
    fault: str


class Journal:
    """Writes down each call of the app. It stands before an emulator: only answers tell whose tokens are whose.

    Args:
        app: the emulator.
        workbench: its workbench.
        file: where to write to.
    """

    def __init__(self, app: WSGIApplication, workbench: Workbench, file: TextIOWrapper) -> None:
        self.workbench = workbench
        self._app = app
        self._file = file
        self._logins: dict[str, str] = {}
        self._here = threading.local()
        workbench.requests.observers.append(self._note)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let the emulator answer."""
        self._here.login = ""
        answer = list(self._app(environ, start_response))
        if self._here.login:
            self._learn(b"".join(answer), self._here.login)
        return answer

    def _note(self, recorded: Recorded) -> None:
        if recorded.endpoint not in CALLS:
            return
        login = self._login_of(recorded)
        self._here.login = login if recorded.endpoint == "token" else ""
        fault = Fault.parse(recorded.fault) if recorded.fault else None
        said = "" if fault is None else f"{fault.kind}={fault.value}" if fault.value else fault.kind
        endpoint = "refresh" if "refresh_token" in recorded.form else recorded.endpoint
        self._file.write(json.dumps(asdict(Call(login, endpoint, said))) + "\n")

    def _login_of(self, recorded: Recorded) -> str:
        form, bearer = recorded.form, recorded.headers.get("Authorization", "").removeprefix("Bearer ")
        return form.get("code") or self._logins.get(form.get("refresh_token") or form.get("token") or bearer, "")

    def _learn(self, body: bytes, login: str) -> None:
        try:
            answer = json.loads(body) if len(body) < LARGEST else None
        except ValueError:
            return
        for name in ("access_token", "refresh_token"):
            if isinstance(answer, dict) and isinstance(answer.get(name), str):
                self._logins[answer[name]] = login


def read_journal(path: Path) -> list[Call]:
    """Return the calls that a journal has."""
    return [Call(**json.loads(line)) for line in path.read_text().splitlines()]


def run_provider(pipe: Connection, people: list[Person], journal: Path, faults: list[str], seed: int) -> None:
    """Serve until the other end of `pipe` is closed; the first word from there ends all faults.

    Tells the origin, the file with the certificate to trust, and the settings of an app.
    """
    users = [
        User(open_id=who.open_id, union_id=who.union_id, display_name=who.name, username=who.open_id[4:])
        for who in people
    ]
    emulator = TikTokEmulator(users=users, faults=faults, seed=seed)
    with (
        journal.open("w", buffering=1) as file,
        serve(Journal(emulator, emulator.workbench, file), port=0, tls=True) as server,
    ):
        settings: Mapping[str, str] = emulator.settings(server.origin)
        pipe.send(
            (server.origin, server.ca_bundle, {f"authkit.tiktok.{key}": value for key, value in settings.items()})
        )
        try:
            pipe.recv()
            emulator.workbench.faults.clear()
            pipe.send(None)
            pipe.recv()
        except EOFError:
            pass
