"""What visitors do to a site with accounts, besides signing in: link, unlink, come from an app on a phone."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from fakes import BASE_URL
from history_browser import Browser
from history_model import TOLERANCE
from history_play import RETURNS, Play
from history_records import Records
from history_values import Begun, Delivery, Tab, Verdict
from native_world import CHALLENGE, LINK, VERIFIER, query_of
from webtest import TestResponse

from authkit.accounts import Vault

HERE = "/auth/accounts"
JSON = {"Accept": "application/json"}
TICKET_LIFETIME = 120


@dataclass
class Ticket:
    """What the link to an app on a phone carries."""

    text: str
    registration: str
    account: str
    issued_at: int
    secret: int
    is_used: bool = False


class AccountPlay(Play):
    """A site whose servers share a database with accounts.

    Attributes:
        tickets: what apps on phones got.
    """

    has_phones = True

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.records = Records(url)
        self.tickets: list[Ticket] = []

    # Connected accounts.

    def start_link(
        self, browser: Browser, server: int, name: str, return_to: str = "/", foreign: Browser | None = None
    ) -> Tab | None:
        """Begin to connect another identity; with the form of somebody else's browser, it is refused."""
        before, me = browser.cookies, self.model.me(browser.visitor)
        token = self.form_token(browser if foreign is None else foreign, server)
        response = browser.post(server, f"/auth/{name}/link", {"return_to": return_to, "csrf_token": token})
        if self._is_refused(browser, foreign, response):
            assert browser.cookies == before
            return None
        assert response.status_int == 303
        return self.begun(browser, server, before, response, Begun(name, "link", me, RETURNS[return_to] or HERE))

    def unlink(self, browser: Browser, server: int, number: int, *, even_last: bool, foreign: Browser | None) -> None:
        """Disconnect an identity, which may be somebody else's, or the last."""
        me, known = self.model.me(browser.visitor), sorted(self.records.identities().items())
        if not known:
            return
        whose, (identity, owner) = known[number % len(known)]
        form = {"identity": identity.key, "even_last": "1" if even_last else ""}
        form["csrf_token"] = self.form_token(browser if foreign is None else foreign, server)
        response = browser.post(server, f"/auth/{whose[0]}/unlink", form)
        if self._is_refused(browser, foreign, response):
            return
        if owner != me:
            self.refused(response, "invalid_request")
        elif list(self.model.owners.values()).count(me) == 1 and not even_last:
            self.refused(response, "last_identity")
        else:
            assert (response.status_int, response.location) == (303, BASE_URL + HERE)
            assert [line.code for line in self.site.new_lines()] == ["ok"]
            self.model.lost(whose)

    def form_token(self, browser: Browser, server: int) -> str:
        """Return what a form of ours has, for whoever is signed in; nonsense for nobody."""
        if self.model.me(browser.visitor) is None:
            return "nonsense"
        response = browser.get(server, HERE, **JSON)
        assert response.status_int == 200
        return str(response.json["csrf_token"])

    def _is_refused(self, browser: Browser, foreign: Browser | None, response: TestResponse) -> bool:
        me = self.model.me(browser.visitor)
        if me is None:
            self.refused(response, "reauth_required")
            return True
        if foreign is not None and self.model.me(foreign.visitor) != me:
            self.refused(response, "cross_site")
            return True
        return False

    # Apps on phones.

    def start_on_phone(self, browser: Browser, server: int, name: str) -> Tab:
        """Begin a login of an app, in the browser of its phone."""
        before, asked = browser.cookies, urlencode({"app": "phone", "challenge": CHALLENGE, "state": "own"})
        response = browser.get(server, f"/auth/{name}/native?{asked}")
        assert response.status_int == 302
        return self.begun(browser, server, before, response, Begun(name, "native", None, ""))

    def redeem(self, server: int, ticket: Ticket, name: str, *, is_own: bool) -> None:
        """Hand a ticket in, with the verifier of the app that it is for, or with another."""
        expected = self._ticket_code(server, ticket, name, is_own=is_own)
        sent = {"ticket": ticket.text, "verifier": VERIFIER if is_own else "w" * 43}
        response = Browser(self.site).hand_in(server, f"/auth/{name}/connect", sent)
        codes = [line.code for line in self.site.new_lines()]
        if expected == "ok":
            assert (response.status_int, codes, self.site.new_told()) == (200, [], [])
            self.site.codes |= {response.json["jwt"], response.json["refresh_token"]}
            assert response.json["user"]["id"] == ticket.account
        else:
            assert (response.status_int, codes, self.site.new_told()) == (
                403 if expected == "account_denied" else 401,
                [expected],
                ["failed"],
            )

    def _ticket_code(self, server: int, ticket: Ticket, name: str, *, is_own: bool) -> str:
        age = self.model.time_at(server) - ticket.issued_at
        is_good = -TOLERANCE <= age < TICKET_LIFETIME and self.model.opens(ticket.secret)
        if not is_good or name != ticket.registration or not is_own or ticket.is_used:
            return "ticket_invalid"
        ticket.is_used = True
        if ticket.account not in self.model.accounts:
            return "ticket_invalid"
        if self.model.accounts[ticket.account]:
            return "account_denied"
        return "ok" if ticket.account in self.model.owners.values() else "token_invalid"

    # The operator.

    def disable(self, server: int, number: int, *, is_disabled: bool) -> None:
        """Disable or enable an account."""
        account, accounts = self._account(number), self.site.accounts(server)
        changed = (accounts.disable if is_disabled else accounts.enable)(account)
        assert changed == (self.model.accounts.get(account, is_disabled) != is_disabled)
        if changed:
            self.model.accounts[account] = is_disabled

    def delete(self, server: int, number: int) -> None:
        """Delete an account."""
        account = self._account(number)
        assert self.site.accounts(server).delete(account) == (account in self.model.accounts)
        self.model.lost(*[known for known, owner in self.model.owners.items() if owner == account])
        self.model.accounts.pop(account, None)

    def _account(self, number: int) -> str:
        known = sorted(self.model.accounts)
        return known[number % len(known)] if known else "nobody"

    # What holds.

    def stored(self) -> object:
        return self.records.seen()

    def ended(self, verdict: Verdict) -> str:
        """Check besides that what was used up is known to all servers."""
        assert verdict.tab is None or not verdict.uses or self.records.is_claimed(verdict.tab.cookie[0])
        return super().ended(verdict)

    def succeeded(self, browser: Browser, server: int, response: TestResponse, verdict: Verdict) -> None:
        """Check what a login has done, to the account and in the browser, and that its token is kept."""
        tab = verdict.tab
        assert tab is not None
        known = tab.registration, verdict.person or 0
        identity, account = self.records.identities()[known]
        if tab.purpose == "login":
            super().succeeded(browser, server, response, verdict)
        elif tab.purpose == "link":
            assert (response.status_int, response.location) == (303, BASE_URL + tab.return_to)
            self.model.owners[known] = tab.account or ""
        else:
            self.model.found(known, account)
            self._got_ticket(server, tab, account, response)
        assert self.model.owners[known] == account
        kit = self.site.server(server).kit
        token = Vault(kit, self.records.database).access_token(identity).reveal()
        assert token == self.site.providers.newest_access_token

    def _got_ticket(self, server: int, tab: Tab, account: str, response: TestResponse) -> None:
        said = query_of(response.location)
        assert response.status_int == 303
        assert response.location.startswith(LINK)
        assert (set(said), said["state"]) == ({"ticket", "state"}, "own")
        self.site.codes.add(said["ticket"])
        issued_at, secret = int(self.model.time_at(server)), self.model.generation
        self.tickets.append(Ticket(said["ticket"], tab.registration, account, issued_at, secret))

    def failed(self, response: TestResponse, verdict: Verdict, sent: Delivery, code: str) -> None:
        """Check the answer to a callback that was refused: the app on a phone gets its own."""
        tab = verdict.tab
        if tab is None or not sent.is_native or tab.purpose != "native" or not self.model.opens(tab.secret):
            super().failed(response, verdict, sent, code)
            return
        said = query_of(response.location)
        assert response.status_int == 303
        assert response.location.startswith(LINK)
        assert (set(said), said["state"]) == ({"error", "error_description", "state"}, "own")
        assert said["error"] == code

    def check(self) -> None:
        super().check()
        known = self.records.identities()
        assert {whose: account for whose, (_, account) in known.items()} == self.model.owners
        assert self.records.accounts() == self.model.accounts
        self.records.assert_a_live_token_each()

    def end(self) -> None:
        super().end()
        self.records.close()
