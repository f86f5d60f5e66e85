"""What the store hands out: accounts and their identities. All are frozen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from authkit.models import Identity

__all__ = ["Account", "LinkedIdentity", "SignedIn"]


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who signed in.

    Attributes:
        id: ours, or the app's own id of the user where the app has its own table of users.
        display_name: the name that the last login came with; neither unique nor stable.
        created_at: when it was made, in UTC.
        last_login_at: when somebody last signed in to it, in UTC.
        disabled_at: since when nobody can sign in to it, None if it is in use.
    """

    id: str
    display_name: str | None
    created_at: datetime
    last_login_at: datetime
    disabled_at: datetime | None

    @property
    def is_disabled(self) -> bool:
        """Whether nobody can sign in to it."""
        return self.disabled_at is not None


@dataclass(frozen=True, slots=True)
class LinkedIdentity:
    """One way to sign in to an account, and what its provider said at the last login.

    Attributes:
        identity: who it is, at which provider and client.
        account_id: the account that it belongs to.
        registration: the registration of the last login.
        created_at: when it was linked, in UTC.
        last_login_at: when it was last used, in UTC.
        needs_reauth: whether its stored token is of no use any more.

    The other attributes are those of `Profile`.
    """

    identity: Identity
    account_id: str
    registration: str
    display_name: str | None
    username: str | None
    avatar_url: str | None
    email: str | None
    email_verified: bool
    union_id: str | None
    created_at: datetime
    last_login_at: datetime
    needs_reauth: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What became of a login: the account, and whether this login made it."""

    account: Account
    is_new: bool
