"""Accounts, their identities, and a vault for their tokens, in a database. It needs the extra ``[accounts]``."""

from __future__ import annotations

from importlib.util import find_spec

from authkit.errors import ConfigError

if find_spec("sqlalchemy") is None or find_spec("alembic") is None:
    raise ConfigError("accounts need SQLAlchemy and Alembic: pip install 'authkit-core[accounts]'")

from authkit.accounts.claims import SqlClaims
from authkit.accounts.database import Database
from authkit.accounts.revocations import Revocations
from authkit.accounts.schema import metadata
from authkit.accounts.store import Accounts, UserFor
from authkit.accounts.values import Account, LinkedIdentity, SignedIn
from authkit.accounts.vault import Vault

__all__ = [
    "Account",
    "Accounts",
    "Database",
    "LinkedIdentity",
    "Revocations",
    "SignedIn",
    "SqlClaims",
    "UserFor",
    "Vault",
    "metadata",
]
