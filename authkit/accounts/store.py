"""The account store: who signed in, with what, and what may become of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from authkit.accounts import identityrows as rows
from authkit.accounts.audit import record
from authkit.accounts.database import Executor, Joined, Transactor
from authkit.accounts.export import export_account
from authkit.accounts.keeper import Keeper
from authkit.accounts.revocations import Revocations
from authkit.accounts.schema import accounts, sessions
from authkit.accounts.values import Account, LinkedIdentity, SignedIn
from authkit.errors import (
    AccountConflict,
    AccountDenied,
    AccountDisabled,
    IdentityTaken,
    LastIdentity,
    RegistrationClosed,
)
from authkit.flow import AuthKit
from authkit.models import Identity, Login

__all__ = ["Accounts", "UserFor"]

UserFor = Callable[[Login], object]
"""Returns the app's own id of the user whose login it is, None to refuse: for apps that have a table of users."""


class Accounts:
    """Finds, makes, links and removes accounts. Every change writes its line of the audit trail along with it.

    Args:
        kit: speaks to the providers, and tells the observers.
        database: where all is kept: a `Database`, or the app's own transaction, see `within`.
        user_for: for an app with its own table of users: returns the id of the user who signs in for the first time,
            and None to refuse. It may be called more than once for one person, so let it find before it makes.
    """

    def __init__(self, kit: AuthKit, database: Transactor, user_for: UserFor | None = None) -> None:
        self._kit = kit
        self._database = database
        self._user_for = user_for
        self._keeper = Keeper(kit, database.own)
        self._revocations = Revocations(kit, database.own)

    def within(self, session: Session) -> Accounts:
        """Return the same store, working in the transaction of `session`: what the app rolls back is undone.

        An error of the database is raised as it is, since only the app can do its transaction again. On MariaDB it
        should be ready to: first logins of one person at the same moment may end in a deadlock there, less often if
        the isolation is READ COMMITTED.
        """
        return Accounts(self._kit, Joined(lambda: session, self._database.own), self._user_for)

    def sign_in(
        self,
        login: Login,
        *,
        keeps_token: bool = True,
        only_as: str | None = None,
        on_stranger: Callable[[], object] = lambda: None,
    ) -> SignedIn:
        """Return the account of a login; a stranger gets one. The profile is kept, and so is the token, if wanted.

        Any number of first logins of one person, in whatever process, make one account. Where the app has its own
        users, one who comes with another identity than before has it linked.

        Args:
            login: the login that succeeded.
            keeps_token: whether the vault keeps the token; not one that somebody handed in, which may be of another
                client, and would take the place of our own.
            only_as: the id of the one account that the login may be of, such as the one that is signed in already;
                None for any, and for strangers.
            on_stranger: is called for an identity that nobody has, before anything is made for it; again, if the
                work has to be done again.

        Raises:
            AccountConflict: the login is of another account than `only_as`, or of none; nothing was stored.
            AccountDenied: the account is disabled, or the stranger is not wanted; nothing was stored.
            StoreUnavailable: the database failed; nothing was stored.
        """
        chosen = None
        joined = isinstance(self._database, Joined)
        if self._user_for is not None and only_as is None and not joined and self.of(login.identity) is None:
            # Before our transaction, not within: on SQLite, the app could not write while we do.
            on_stranger()
            chosen = self._new_id(login)

        def work(executor: Executor) -> tuple[Account, str]:
            known = rows.lock_identity(executor, login.identity)
            if only_as is not None and (known is None or known.account.id != only_as):
                raise AccountConflict("somebody else is signed in", return_to=login.return_to)
            if known is not None:
                _refuse_disabled(known.account, login)
                return self._keeper.refresh(executor, known, login, keeps_token=keeps_token), "signed_in"
            on_stranger()
            account, event = self._account_of_stranger(executor, chosen or self._new_id(login), login)
            self._keeper.add(executor, account, login, event, keeps_token=keeps_token)
            return account, event

        account, event = self._database.write(work)
        self._tell(event, account.id, login.identity)
        return SignedIn(account, is_new=event == "created")

    def link(self, account_id: str, login: Login) -> LinkedIdentity:
        """Give an account another way to sign in, which the login has just proved.

        Raises:
            IdentityTaken: it belongs to another account; nothing was changed.
            AccountDenied: it is disabled, or there is none. But a user of the app who has none yet gets one here.
        """

        def work(executor: Executor) -> tuple[LinkedIdentity, str]:
            known = rows.lock_identity(executor, login.identity)
            if known is None:
                account = self._account_to_link(executor, account_id, login)
                self._keeper.add(executor, account, login, "linked")
            elif known.account.id != account_id:
                raise IdentityTaken("the identity belongs to another account")
            else:
                _refuse_disabled(known.account, login)
                self._keeper.refresh(executor, known, login)
            return rows.find_linked(executor, login.identity), "linked" if known is None else "signed_in"

        linked, event = self._database.write(work)
        self._tell(event, account_id, login.identity)
        return linked

    def unlink(self, account_id: str, identity: Identity, *, even_last: bool = False) -> bool:
        """Take a way to sign in from an account, and its token with it; False if the account does not have it.

        Afterwards the token is revoked at the provider, unless ``authkit.accounts.revoke`` is off; what fails is done
        later, see `Revocations`.

        Raises:
            LastIdentity: it is the last one of a registration that there is, and `even_last` does not say that it may
                go all the same.
        """

        def work(executor: Executor) -> bool:
            known = rows.lock_identities_of(executor, account_id)
            found = [each for each in known if each.identity == identity]
            others = [each for each in known if each not in found and each.registration in self._kit.registrations]
            if found and not others and not even_last:
                raise LastIdentity("the identity is the last by which the account can be signed in to")
            for each in found:
                self._keeper.remove(executor, each)
            return bool(found)

        if not self._database.write(work):
            return False
        self._database.afterwards(lambda: self._unlinked(account_id, [identity]))
        return True

    def get(self, account_id: str) -> Account | None:
        """Return an account by its id."""
        return self._database.read(lambda executor: rows.find_account(executor, account_id))

    def of(self, identity: Identity) -> Account | None:
        """Return the account that an identity belongs to."""
        return self._database.read(lambda executor: rows.find_account_of(executor, identity))

    def identities(self, account_id: str) -> tuple[LinkedIdentity, ...]:
        """Return the ways to sign in to an account, in the order in which they were linked."""
        return tuple(self._database.read(lambda executor: rows.find_linked_to(executor, account_id)))

    def with_union_id(self, authority: str, union_id: str) -> tuple[LinkedIdentity, ...]:
        """Return the identities of one person in all the apps of one developer, where the provider has such an id.

        They may belong to several accounts: a union id finds, and never joins.
        """
        return tuple(self._database.read(lambda executor: rows.find_linked_with(executor, authority, union_id)))

    def disable(self, account_id: str, reason: str = "") -> bool:
        """Let nobody sign in to an account from now on; False if there is none, or it is disabled already."""
        return self._mark(account_id, "disabled", self._kit.now(), reason)

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
            known = rows.lock_identities_of(executor, account_id)
            for each in known:
                self._keeper.remove(executor, each)
            executor.execute(delete(sessions).where(sessions.c.account_id == account_id))
            executor.execute(delete(accounts).where(accounts.c.id == account_id))
            record(executor, self._kit.now(), "deleted", account_id=account_id, reason=reason)
            return [each.identity for each in known]

        removed = self._database.write(work)
        if removed is None:
            return False
        self._database.afterwards(lambda: self._unlinked(account_id, removed))
        return True

    def export(self, account_id: str) -> Mapping[str, object] | None:
        """Return everything that is kept of a person, as JSON has it; None if there is no such account.

        Tokens are not in it, only what is known of them.
        """
        return self._database.read(lambda executor: export_account(executor, account_id))

    def _new_id(self, login: Login) -> str:
        """Return the id of a stranger's account: a new one, or the app's own of the user."""
        if not self._kit.parts["accounts"]["allow_registration"]:
            raise RegistrationClosed("strangers may not register", registration=login.registration)
        if self._user_for is None:
            return self._kit.random(16).hex()
        user_id = self._user_for(login)
        if user_id is None or user_id == "":
            raise AccountDenied("the app has no user for this login", registration=login.registration)
        return str(user_id)

    def _account_of_stranger(self, executor: Executor, account_id: str, login: Login) -> tuple[Account, str]:
        """Return the account that a new identity goes to, and what happens by that: it may be a user's second."""
        account = None if self._user_for is None else rows.lock_account(executor, account_id)
        if account is None:
            return rows.add_account(executor, account_id, login.profile.display_name, self._kit.now()), "created"
        _refuse_disabled(account, login)
        return account, "linked"

    def _account_to_link(self, executor: Executor, account_id: str, login: Login) -> Account:
        """Return the account that is to be linked; a user of the app who has not signed in by us before gets one."""
        account = rows.lock_account(executor, account_id)
        if account is None and self._user_for is None:
            raise AccountDenied("there is no such account", registration=login.registration)
        if account is None:
            return rows.add_account(executor, account_id, login.profile.display_name, self._kit.now())
        _refuse_disabled(account, login)
        return account

    def _tell(self, event: str, account_id: str, identity: Identity) -> None:
        """Tell the observers what a login did, once it is committed."""
        tell = {"created": self._kit.plugins.account_created, "linked": self._kit.plugins.linked}.get(event)
        if tell is not None:
            self._database.afterwards(lambda: tell(account_id, identity))

    def _unlinked(self, account_id: str, removed: Sequence[Identity]) -> None:
        for identity in removed:
            self._kit.plugins.unlinked(account_id, identity)
            self._revocations.attempt_all(identity)

    def _mark(self, account_id: str, event: str, disabled_at: datetime | None, reason: str) -> bool:
        def work(executor: Executor) -> bool:
            account = rows.lock_account(executor, account_id)
            if account is None or account.is_disabled == (disabled_at is not None):
                return False
            executor.execute(update(accounts).where(accounts.c.id == account_id).values(disabled_at=disabled_at))
            record(executor, self._kit.now(), event, account_id=account_id, reason=reason)
            return True

        return self._database.write(work)


def _refuse_disabled(account: Account, login: Login) -> None:
    if account.is_disabled:
        raise AccountDisabled("the account is disabled", registration=login.registration)
