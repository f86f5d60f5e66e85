"""What becomes of a login's token when nothing of the login is kept."""

from __future__ import annotations

from functools import partial

from pyramid.request import Request

from authkit import Login
from authkit.accounts.unkept import revoke_unless_kept
from authkit.pyramid.accountpolicy import DATABASE

__all__ = ["revoke_later_unless_kept"]


def revoke_later_unless_kept(request: Request, login: Login) -> None:
    """Do as `revoke_unless_kept` once the request is over: only then is it known what was committed."""
    request.add_finished_callback(partial(_revoke, login=login))


def _revoke(request: Request, login: Login) -> None:
    revoke_unless_kept(request.authkit, request.registry[DATABASE], login)
