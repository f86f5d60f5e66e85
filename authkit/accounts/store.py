"""The account store: who signed in, with what, and what may become of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from authkit.accounts import identityrows as rows
from authkit.accounts.audit import record
from authkit.accounts.database import Executor, Joined, Transactor
from authkit.accounts.export import export_account
from authkit.accounts.revocations import Revocations
from authkit.accounts.schema import accounts, identities, tokens
from authkit.accounts.strongbox import Strongbox
from authkit.accounts.tokenrows import TokenRows, is_identity
from authkit.accounts.values import Account, LinkedIdentity, SignedIn
from authkit.errors import AccountDenied, IdentityTaken, LastIdentity
from authkit.flow import AuthKit
from authkit.models import Identity, Login

__all__ = ["Accounts", "UserFor"]

UserFor = Callable[[Login], object]
"""Returns the app's own id of the user whose login it is, None to refuse: for apps that have a table of users."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Finds, makes, links and removes accounts. Every change writes its line of the audit trail along with it.

    Attributes:
        kit: speaks to the providers, and tells the observers.
        database: where all is kept: a `Database`, or the app's own transaction, see `within`.
        user_for: for an app with its own table of users: returns the id of the user who signs in for the first time,
            and None to refuse. It may be called more than once for one person, so let it find before it makes.
    """

    kit: AuthKit
    database: Transactor = field(repr=False)
    user_for: UserFor | None = None

    def within(self, session: Session) -> Accounts:
        """Return the same store, working in the transaction of `session`: what the app rolls back is undone."""
        return replace(self, database=Joined(session, self.database.own))

    def sign_in(self, login: Login) -> SignedIn:
        """Return the account of a login; a stranger gets one. The profile and the token are kept.

        Any number of first logins of one person, in whatever process, make one account.

        Raises:
            AccountDenied: the account is disabled, or the stranger is not wanted; nothing was stored.
            StoreUnavailable: the database failed; nothing was stored.
        """
        user_for = self.user_for
        if user_for is not None and not isinstance(self.database, Joined) and self.of(login.identity) is None:
            # Before our transaction, not within: on SQLite, the app could not write while we do.
            self._refuse_stranger(login)
            user_for = partial(_same, user_for(login))
        signed_in = self.database.write(lambda executor: self._sign_in(executor, login, user_for))
        if signed_in.is_new:
            account_id = signed_in.account.id
            self.database.afterwards(lambda: self.kit.plugins.account_created(account_id, login.identity))
        return signed_in

    def link(self, account_id: str, login: Login) -> LinkedIdentity:
        """Give an account another way to sign in, which the login has just proved.

        Raises:
            IdentityTaken: it belongs to another account; nothing was changed.
            AccountDenied: there is no such account, or it is disabled.
        """

        def work(executor: Executor) -> bool:
            account = rows.lock_account(executor, account_id)
            found = rows.find_identity(executor, login.identity, for_change=True)
            if found is not None and found[1] != account_id:
                raise IdentityTaken("the identity belongs to another account")
            if account is None and self.user_for is not None:  # a user of the app who has not signed in by us before
                rows.add_account(executor, account_id, login.profile.display_name, self._now())
            elif account is None or account.is_disabled:
                raise AccountDenied("the account is disabled, or there is none")
            if found is not None:
                self._welcome(executor, found[0], account_id, login)
                return False
            self._add(executor, account_id, login, "linked")
            return True

        if self.database.write(work):
            self.database.afterwards(lambda: self.kit.plugins.linked(account_id, login.identity))
        return next(self._identities(is_identity(login.identity)))

    def unlink(self, account_id: str, identity: Identity, *, even_last: bool = False) -> bool:
        """Take a way to sign in from an account, and its token with it; False if the account does not have it.

        Afterwards the token is revoked at the provider, unless ``authkit.accounts.revoke`` is off; what fails is done
        later, see `Revocations`.

        Raises:
            LastIdentity: it is the last one, and `even_last` does not say that it may go all the same.
        """

        def work(executor: Executor) -> bool:
            rows.lock_account(executor, account_id)
            found = rows.find_identity(executor, identity, for_change=True)
            if found is None or found[1] != account_id:
                return False
            if not even_last and rows.count_identities(executor, account_id) == 1:
                raise LastIdentity("the identity is the account's last")
            self._remove(executor, found[0], account_id, identity)
            return True

        if not self.database.write(work):
            return False
        self.database.afterwards(lambda: self._unlinked(account_id, [identity]))
        return True

    def get(self, account_id: str) -> Account | None:
        """Return an account by its id."""
        return self.database.read(lambda executor: rows.find_account(executor, account_id))

    def of(self, identity: Identity) -> Account | None:
        """Return the account that an identity belongs to."""
        query = select(accounts).join_from(accounts, identities, identities.c.account_id == accounts.c.id)
        return self._account(query.where(is_identity(identity)))

    def identities(self, account_id: str) -> tuple[LinkedIdentity, ...]:
        """Return the ways to sign in to an account, in the order in which they were linked."""
        return tuple(self._identities(identities.c.account_id == account_id))

    def with_union_id(self, authority: str, union_id: str) -> tuple[LinkedIdentity, ...]:
        """Return the identities of one person in all the apps of one developer, where the provider has such an id.

        They may belong to several accounts: a union id finds, and never joins.
        """
        return tuple(self._identities((identities.c.authority == authority) & (identities.c.union_id == union_id)))

    def disable(self, account_id: str, reason: str = "") -> bool:
        """Let nobody sign in to an account from now on; False if there is none, or it is disabled already."""
        return self._mark(account_id, "disabled", self._now(), reason)

    def enable(self, account_id: str, reason: str = "") -> bool:
        """Let people sign in to a disabled account again; False if there is none, or it is in use."""
        return self._mark(account_id, "enabled", None, reason)

    def delete(self, account_id: str, reason: str = "") -> bool:
        """Remove an account and all that is kept of its person; False if there is none.

        What stays is the audit trail, in which identities are digests. Tokens are revoked as in `unlink`.
        """

        def work(executor: Executor) -> list[Identity] | None:
            if rows.lock_account(executor, account_id) is None:
                return None
            theirs = identities.c.account_id == account_id
            found = executor.execute(rows.select_identities().where(theirs)).all()
            for row in found:
                self._remove(executor, row.id, account_id, rows.to_linked(row).identity)
            executor.execute(delete(accounts).where(accounts.c.id == account_id))
            record(executor, self._now(), "deleted", account_id=account_id, reason=reason)
            return [rows.to_linked(row).identity for row in found]

        removed = self.database.write(work)
        if removed is None:
            return False
        self.database.afterwards(lambda: self._unlinked(account_id, removed))
        return True

    def export(self, account_id: str) -> Mapping[str, object] | None:
        """Return everything that is kept of a person, as JSON has it; None if there is no such account.

        Tokens are not in it, only what is known of them.
        """
        return self.database.read(lambda executor: export_account(executor, account_id))

    def _sign_in(self, executor: Executor, login: Login, user_for: UserFor | None) -> SignedIn:
        found = rows.find_identity(executor, login.identity, for_change=True)
        if found is not None:
            return SignedIn(self._welcome(executor, *found, login), is_new=False)
        self._refuse_stranger(login)
        account_id = self.kit.random(16).hex() if user_for is None else _user_id(user_for(login))
        account = rows.lock_account(executor, account_id)
        if account is None:
            rows.add_account(executor, account_id, login.profile.display_name, self._now())
        elif account.is_disabled:
            raise AccountDenied("the account is disabled")
        self._add(executor, account_id, login, "created" if account is None else "linked")
        return SignedIn(_found(rows.find_account(executor, account_id)), is_new=account is None)

    def _welcome(self, executor: Executor, identity_id: int, account_id: str, login: Login) -> Account:
        """Return a known account, refreshed by a login of its person."""
        account, now = _found(rows.find_account(executor, account_id)), self._now()
        if account.is_disabled:
            raise AccountDenied("the account is disabled")
        rows.refresh_identity(executor, identity_id, account_id, login, now)
        self._keep(executor, identity_id, account_id, login, "signed_in")
        return replace(account, display_name=login.profile.display_name, last_login_at=now)

    def _add(self, executor: Executor, account_id: str, login: Login, event: str) -> None:
        """Add the identity of a login to an account."""
        self._keep(executor, rows.add_identity(executor, account_id, login, self._now()), account_id, login, event)

    def _keep(self, executor: Executor, identity_id: int, account_id: str, login: Login, event: str) -> None:
        """Keep the token of a login, and record it."""
        now = self._now()
        self._token_rows().put(executor, identity_id, login.identity, login.registration, login.token, now)
        record(
            executor,
            now,
            event,
            account_id=account_id,
            identity=login.identity,
            registration=login.registration,
            reference=login.correlation_id,
        )

    def _remove(self, executor: Executor, identity_id: int, account_id: str, identity: Identity) -> None:
        """Remove an identity; its token goes where revocations wait."""
        if self.kit.parts["accounts"]["revoke"]:
            kept = self._token_rows().read(executor, identity)
            if kept is not None and kept.token is not None:
                self._revocations().add(executor, identity, kept.registration, kept.token)
        rows.remove_identity(executor, identity_id)
        record(executor, self._now(), "unlinked", account_id=account_id, identity=identity)

    def _unlinked(self, account_id: str, removed: list[Identity]) -> None:
        for identity in removed:
            self.kit.plugins.unlinked(account_id, identity)
            self._revocations().attempt_all(identity)

    def _mark(self, account_id: str, event: str, disabled_at: datetime | None, reason: str) -> bool:
        def work(executor: Executor) -> bool:
            account = rows.lock_account(executor, account_id)
            if account is None or account.is_disabled == (disabled_at is not None):
                return False
            executor.execute(update(accounts).where(accounts.c.id == account_id).values(disabled_at=disabled_at))
            record(executor, self._now(), event, account_id=account_id, reason=reason)
            return True

        return self.database.write(work)

    def _refuse_stranger(self, login: Login) -> None:
        if not self.kit.parts["accounts"]["allow_registration"]:
            raise AccountDenied(
                "nobody is registered with this identity, and strangers are not", registration=login.registration
            )

    def _account(self, query: Select[tuple[object, ...]]) -> Account | None:
        row = self.database.read(lambda executor: executor.execute(query).one_or_none())
        return None if row is None else rows.to_account(row)

    def _identities(self, condition: object) -> Iterator[LinkedIdentity]:
        query = rows.select_identities().where(condition)  # type: ignore[arg-type]  # a condition on the columns
        return map(rows.to_linked, self.database.read(lambda executor: executor.execute(query).all()))

    def _token_rows(self) -> TokenRows:
        return TokenRows(Strongbox(self.kit.vault_secrets, self.kit.random, tokens.name))

    def _revocations(self) -> Revocations:
        return Revocations(self.kit, self.database.own)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self.kit.clock()), timezone.utc)


def _same(user_id: object, login: Login) -> object:  # noqa: ARG001 - the signature of a `UserFor`
    return user_id


def _user_id(answer: object) -> str:
    if answer is None or answer == "":
        raise AccountDenied("the app has no user for this login")
    return str(answer)


def _found(account: Account | None) -> Account:
    if account is None:
        raise LookupError("an account of an identity is gone, which a foreign key forbids")
    return account
