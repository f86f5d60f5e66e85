"""Apps that do under load what none may do. The load test has to notice each of these things."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from itertools import count
from typing import Any

from loadtest.app import make_app
from sqlalchemy import insert

from authkit.accounts.schema import accounts
from authkit.pyramid import sign_in
from authkit.pyramid.accountpolicy import DATABASE
from authkit.pyramid.accounts import sign_in_account

MUCH = 4 * 1024 * 1024
kept: list[object] = []


def leaky_app(settings: Mapping[str, str]) -> Any:
    """Return an app that keeps memory, a thread and a socket of each login, and no audit line of replays.

    It keeps memory as time goes by, too: a fast machine has done nearly all logins in the first third.
    """

    def keep(request: Any, login: Any) -> Any:
        if not kept:
            threading.Thread(target=grow, daemon=True).start()
        kept.append(b"x" * MUCH)
        kept.append(socket.socket())
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        return sign_in_account(request, login)

    logging.getLogger("authkit.audit").addFilter(lambda record: "code=state_invalid" not in record.getMessage())
    return make_app(settings, keep)


def grow() -> None:
    """Keep more, for ten seconds."""
    for _ in range(200):
        kept.append(b"x" * MUCH)
        time.sleep(0.05)


def mixed_up_app(settings: Mapping[str, str]) -> Any:
    """Return an app that takes whoever comes for the first, leaves accounts of nobody, and fails now and then."""
    first: list[str] = []
    turns = count()

    def mix_up(request: Any, login: Any) -> Any:
        if next(turns) % 4 == 3:
            raise RuntimeError("the login handler fails")
        account = request.accounts.sign_in(login).account
        first[:] = first or [account.id]
        now = datetime.now(timezone.utc)
        stray = {"id": secrets.token_hex(16), "created_at": now, "last_login_at": now}
        request.registry[DATABASE].write(lambda executor: executor.execute(insert(accounts).values(**stray)))
        return sign_in(request, login, first[0])

    return make_app(settings, mix_up)
