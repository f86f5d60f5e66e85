"""The keeper of identities: writes each together with its token and its line of the audit trail."""

from __future__ import annotations

from dataclasses import replace

from authkit.accounts import identityrows as rows
from authkit.accounts.audit import record
from authkit.accounts.database import Database, Executor
from authkit.accounts.identityrows import Known
from authkit.accounts.revocations import Revocations
from authkit.accounts.tokenrows import TokenRows
from authkit.accounts.values import Account
from authkit.errors import StoreUnavailable
from authkit.flow import AuthKit
from authkit.models import Login

__all__ = ["Keeper"]


class Keeper:
    """Adds, refreshes and removes identities, within the transaction that it is given.

    Args:
        kit: supplies the time, and the secrets that seal tokens.
        database: where the tokens of removed identities wait for their revocation.
    """

    def __init__(self, kit: AuthKit, database: Database) -> None:
        self._kit = kit
        self._tokens = TokenRows.of(kit)
        self._revocations = Revocations(kit, database)

    def add(
        self, executor: Executor, account: Account, login: Login, event: str, *, keeps_token: bool = True
    ) -> None:
        """Add the identity of a login to an account, with its token."""
        self._revocations.cancel(executor, login.identity)
        number = rows.add_identity(executor, account.id, login, self._kit.now())
        self._keep(executor, number, account, login, event, keeps_token=keeps_token)

    def refresh(self, executor: Executor, known: Known, login: Login, *, keeps_token: bool = True) -> Account:
        """Write what a new login says of a known identity, keep its token, and return the account as it is now."""
        now = self._kit.now()
        rows.refresh_identity(executor, known, login, now)
        self._keep(executor, known.number, known.account, login, "signed_in", keeps_token=keeps_token)
        return replace(known.account, display_name=login.profile.display_name, last_login_at=now)

    def remove(self, executor: Executor, known: Known) -> None:
        """Remove an identity. Its token goes where revocations wait, unless ``authkit.accounts.revoke`` is off."""
        reason = self._let_token_wait(executor, known) if self._kit.parts["accounts"]["revoke"] else ""
        rows.remove_identity(executor, known.number)
        record(
            executor,
            self._kit.now(),
            "unlinked",
            account_id=known.account.id,
            identity=known.identity,
            registration=known.registration,
            reason=reason,
        )

    def _keep(
        self, executor: Executor, number: int, account: Account, login: Login, event: str, *, keeps_token: bool
    ) -> None:
        """Keep the token of a login, and record the login."""
        now = self._kit.now()
        if keeps_token:
            self._tokens.put(executor, number, login.identity, login.registration, login.token, now)
        record(
            executor,
            now,
            event,
            account_id=account.id,
            identity=login.identity,
            registration=login.registration,
            reference=login.correlation_id,
        )

    def _let_token_wait(self, executor: Executor, known: Known) -> str:
        """Let the token of an identity wait for its revocation; return what keeps it from that, "" for nothing."""
        try:
            kept = self._tokens.read(executor, known.identity, for_change=True)
        except StoreUnavailable as error:  # it does not open; that must not keep its owner from leaving
            return f"not revoked: {error.reason}"
        if kept is not None and kept.token is not None:
            self._revocations.add(executor, known.identity, kept.registration, kept.token)
        return ""
