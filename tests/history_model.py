"""What should become of a callback, told from what happened before, and without a look at our own code's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from history_providers import CODE_LIFETIME, FAULTS, USERINFO_FAULTS, WITH_PKCE, Providers, is_processed
from history_site import SKEWS
from history_values import Code, Delivery, Known, Tab, Verdict, Visitor

LIFETIME, TOLERANCE = 600, 60
PROVIDER_CODES = frozenset(
    {
        "provider_misconfigured",
        "provider_protocol",
        "provider_rate_limited",
        "provider_rejected",
        "provider_unavailable",
    }
)


class Model:
    """The accounts, the codes and the logins, as they should be.

    Args:
        providers: whose clock is the right one, and whose faults are known before they come.
        is_shared: whether the servers tell each other what was used.
    """

    def __init__(self, providers: Providers, *, is_shared: bool) -> None:
        self.providers = providers
        self.is_shared = is_shared
        self.generation = 0
        self.tabs: list[Tab] = []
        self.codes: dict[str, Code] = {}
        self.owners: dict[Known, str] = {}
        self.accounts: dict[str, bool] = {}
        """Each account that there is, and whether it is disabled."""
        self._seen: set[str] = set()

    @property
    def now(self) -> float:
        return self.providers.tiktok.workbench.clock()

    def me(self, visitor: Visitor) -> str | None:
        """Return who should be signed in."""
        is_out = visitor.account is None or not self.opens(visitor.secret)
        return None if is_out or self.accounts.get(visitor.account or "", True) else visitor.account

    def opens(self, secret: int) -> bool:
        """Return whether what was made with a secret is good: the newest and the one before are."""
        return secret >= self.generation - 1

    def time_at(self, server: int) -> float:
        """Return what time it is by the clock of a server."""
        return self.now + SKEWS[server]

    def age(self, tab: Tab, server: int) -> float:
        """Return how old a login is, by the clock of a server."""
        return self.time_at(server) - tab.issued_at

    def found(self, known: Known, account: str) -> None:
        """Note whose account it is that somebody was signed in to: theirs, or a new one."""
        if known not in self.owners:
            assert account not in self._seen
            self._seen.add(account)
            self.owners[known], self.accounts[account] = account, False
        assert account == self.owners[known]

    def forget(self, server: int) -> None:
        """Forget what was in the memory of a server."""
        for tab in self.tabs if not self.is_shared else ():
            tab.used_on.discard(server)

    def lost(self, *known: Known) -> None:
        """Note whose identities are gone. Their tokens are being revoked, which disconnects the app at TikTok."""
        for whose in known:
            del self.owners[whose]
        for code in self.codes.values():
            code.is_doubtful |= (code.tab.registration, code.person) in known

    def judge(self, sent: Delivery) -> Verdict:
        """Return what should become of a callback, and note what it uses up."""
        params: dict[str, list[str]] = {}
        for name, value in parse_qsl(sent.query, keep_blank_values=True):
            params.setdefault(name, []).append(value)
        states = params.get("state", [])
        tab = next((tab for tab in self.tabs if [tab.state] == states), None)
        if tab is None or sent.cookies.get(tab.cookie[0]) != tab.cookie[1]:
            return Verdict(frozenset({"state_invalid"}))
        refusal = self._unusable(sent, tab)
        if refusal is not None:
            return refusal
        tab.used_on.add(sent.server)
        problem = self._unreadable(params)
        if problem:
            return Verdict(frozenset({problem}), tab, clears=True, uses=True)
        codes, person = self._exchange(tab, params["code"][0])
        if "ok" in codes:
            codes = codes - {"ok"} | {self._finish(sent, tab, person)}
        return Verdict(codes, tab, clears=True, uses=True, asks=True, person=person)

    def _unusable(self, sent: Delivery, tab: Tab) -> Verdict | None:
        """Return the verdict on a login that may not be completed here, with nothing but its cookie looked at."""
        kept = Verdict(frozenset({"state_invalid"}), tab)
        cleared = Verdict(frozenset({"state_invalid"}), tab, clears=True)
        is_native = tab.purpose == "native"
        if not self.opens(tab.secret) or (sent.is_native and not is_native):
            return kept if sent.is_native else cleared
        if not -TOLERANCE <= self.age(tab, sent.server) < LIFETIME:
            return cleared
        if tab.registration != sent.registration or sent.is_native != is_native:
            return kept
        if tab.purpose == "link" and tab.account != self.me(sent.visitor):
            return kept
        return cleared if (tab.used_on if self.is_shared else sent.server in tab.used_on) else None

    @staticmethod
    def _unreadable(params: Mapping[str, Sequence[str]]) -> str:
        """Return the code of the error in what a callback says, "" if it has a code and nothing else is wrong."""
        if any(len(values) > 1 for values in params.values()):
            return "invalid_request"
        if "iss" in params:
            return "issuer_mismatch"
        if params.get("error", [""]) != [""]:
            return "access_denied"
        return "" if params.get("code", [""]) != [""] else "invalid_request"

    def _exchange(self, tab: Tab, text: str) -> tuple[frozenset[str], int | None]:
        """Return what may come of a code at the provider, and whose it is."""
        fault = self.providers.fault(tab.registration, "token")
        if not is_processed(fault):
            return frozenset({FAULTS[fault]}), None
        code = self.codes.get(text)
        problem = self._spend(tab, code)
        if problem or code is None:
            return PROVIDER_CODES if fault else frozenset({problem}), None
        failed = FAULTS.get(fault) or USERINFO_FAULTS.get(self.providers.fault(tab.registration, "userinfo"), "ok")
        return frozenset({failed}) | (PROVIDER_CODES if code.is_doubtful else frozenset()), code.person

    def _spend(self, tab: Tab, code: Code | None) -> str:
        """Use a code up, and return the code of the error if it was not to be used so, "" otherwise."""
        if code is None or code.tab.registration != tab.registration:
            return "provider_rejected"
        if code.is_spent or self.now >= code.at + CODE_LIFETIME:
            return "provider_rejected"
        code.is_spent = True
        if (tab.purpose == "native") != (code.tab.purpose == "native"):  # the redirect URI is another
            return "provider_rejected" if tab.registration == "acme" else "provider_misconfigured"
        return "provider_rejected" if tab.registration in WITH_PKCE and code.tab is not tab else ""

    def _finish(self, sent: Delivery, tab: Tab, person: int | None) -> str:
        """Return what should become of a login that the provider has proved."""
        owner, current = self.owners.get((tab.registration, person or 0)), self.me(sent.visitor)
        wanted = {"login": current, "link": tab.account, "native": None}[tab.purpose]
        if wanted is not None and owner != wanted and not (tab.purpose == "link" and owner is None):
            return "account_conflict"
        return "account_denied" if owner is not None and self.accounts.get(owner, False) else "ok"
