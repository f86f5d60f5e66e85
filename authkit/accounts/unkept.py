"""Tokens that nobody keeps: those of logins that came to nothing end at the provider, as far as that is safe."""

from __future__ import annotations

import logging

from sqlalchemy import select

from authkit.accounts.database import Database
from authkit.accounts.schema import identities
from authkit.accounts.tokenrows import IS_IDENTITY, key_of
from authkit.errors import AuthkitError
from authkit.flow import AuthKit
from authkit.models import Login

__all__ = ["revoke_unless_kept"]

logger = logging.getLogger(__name__)

FIND = select(identities.c.id).where(IS_IDENTITY)


def revoke_unless_kept(kit: AuthKit, database: Database, login: Login) -> None:
    """Revoke the token of a login, if its identity is nobody's now that the login is over; nothing is raised.

    Where the identity is somebody's, its stored token may end with this one: at TikTok, ending any token disconnects
    the app. While the database does not answer, nobody knows: a commit whose answer was lost may have stored it. In
    both cases the token is left to expire; nobody has it any more.
    """
    if not kit.parts["accounts"]["revoke"]:
        return
    key = key_of(login.identity)
    try:
        if database.read(lambda executor: executor.execute(FIND, key).one_or_none()) is None:
            kit.revoke(login.registration, login.token)
    except AuthkitError as error:
        logger.warning(
            "the token of a login that came to nothing is left to expire: ref=%s cause=%s",
            login.correlation_id,
            error.reason,
        )
