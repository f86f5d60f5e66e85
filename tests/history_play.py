"""What visitors and their browsers do to a site; each step is checked against the model at once."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

import leftovers
from fakes import BASE_URL, state_of
from history_browser import Browser, assert_room
from history_model import LIFETIME, Model
from history_providers import PEOPLE, REGISTRATIONS
from history_site import SKEWS, Site
from history_values import Begun, Code, Delivery, Tab, Verdict
from pyramid_apps import STATUSES, local
from webtest import TestResponse

RETURNS: Mapping[str, str] = {
    "/": "/",
    "/inbox": "/inbox",
    "/a b?c=é": "/a%20b?c=%C3%A9",
    "/" + "long" * 120: "/" + "long" * 120,
    "/" + "longer" * 120: "",
    "https://evil.example/": "",
    "//evil.example/": "",
    "/\\evil.example/": "",
    "/\n/evil.example/": "",
    "\t//evil.example/": "",
}
"""Where a visitor asks to go afterwards, and where that leads; "" for where it leads without asking."""


class Play:
    """A site, its visitors and the model.

    Args:
        url: the database that the servers share; None for servers with nothing but their memory.

    Attributes:
        tabs: the logins that were begun, each with its browser.
        callbacks: where a provider has sent a browser: the browser, the login, and the address.
        has_phones: whether apps on phones can sign in.
    """

    has_phones = False

    def __init__(self, url: str | None = None) -> None:
        self._running = leftovers.threads() | leftovers.sockets()
        self.site = Site(url)
        self.model = Model(self.site.providers, is_shared=url is not None)
        self.browsers = [Browser(self.site) for _ in range(3)]
        self.tabs: list[tuple[Browser, Tab]] = []
        self.callbacks: list[tuple[Browser, Tab, str]] = []
        self._looks = 0

    # At the site.

    def start(self, browser: Browser, server: int, name: str, return_to: str = "/") -> Tab:
        """Begin a login."""
        before = browser.cookies
        response = browser.get(server, f"/auth/{name}?{urlencode({'return_to': return_to})}")
        assert response.status_int == 302
        return self.begun(browser, server, before, response, Begun(name, "login", None, RETURNS[return_to] or "/"))

    def start_in_frame(self, browser: Browser, server: int, name: str) -> None:
        """Begin a login in a frame of another site, which is refused."""
        before = browser.cookies
        self.refused(browser.get(server, f"/auth/{name}", **{"Sec-Fetch-Dest": "iframe"}), "cross_site")
        assert browser.cookies == before

    def log_out(self, browser: Browser, server: int) -> None:
        """Sign out."""
        response = browser.post(server, "/auth/logout", {})
        assert (response.status_int, response.location) == (303, f"{BASE_URL}/")
        browser.visitor.account, browser.visitor.session = None, {}

    def plant(self, browser: Browser, server: int, value: str) -> None:
        """Have something put into the session."""
        browser.get(server, f"/plant?cart={value}")
        browser.visitor.session = {"cart": value}

    # At the provider, and back.

    def consent(self, browser: Browser, tab: Tab, person: int | None) -> str:
        """Say yes at the provider as a person, or no; return the address to which the browser is sent."""
        emulator = self.site.providers.of(tab.registration)
        path = local(emulator.deny(tab.url) if person is None else emulator.approve(tab.url, user=person))
        if person is not None:
            text = parse_qs(urlsplit(path).query)["code"][0]
            self.site.codes.add(text)
            self.model.codes[text] = Code(tab, person, self.model.now)
        self.callbacks.append((browser, tab, path))
        return path

    def deliver(self, browser: Browser, server: int, path: str) -> str:
        """Open a callback, whatever it says, and return the code that it ends in."""
        address, _, query = path.partition("?")
        sent = Delivery(browser.visitor, server, address.split("/")[2], "/native/" in address, query, browser.cookies)
        stored, asked = self.stored(), self.site.providers.asked["token"]
        verdict = self.model.judge(sent)
        response = browser.get(server, path)
        code = self.ended(verdict)
        assert self.site.providers.asked["token"] - asked == verdict.asks
        gone = verdict.tab.cookie[0] if verdict.tab is not None and verdict.clears else ""
        assert browser.cookies == {name: value for name, value in sent.cookies.items() if name != gone}
        if code == "ok":
            self.succeeded(browser, server, response, verdict)
        else:
            self.failed(response, verdict, sent, code)
            assert self.stored() == stored
        return code

    def succeeded(self, browser: Browser, server: int, response: TestResponse, verdict: Verdict) -> None:
        """Check that the visitor is signed in as who they are, in a new session, where they wanted to go."""
        tab, me = verdict.tab, browser.get(server, "/me").text
        assert tab is not None
        assert (response.status_int, response.location) == (303, BASE_URL + tab.return_to)
        self.model.found((tab.registration, verdict.person or 0), me)
        browser.visitor.account, browser.visitor.secret = me, self.model.generation
        browser.visitor.session = {}

    def failed(self, response: TestResponse, verdict: Verdict, sent: Delivery, code: str) -> None:
        """Check the answer to a callback that was refused."""
        assert response.status_int == STATUSES[code]
        assert code in response.text

    # Behind the scenes.

    def restart(self, server: int) -> None:
        """Stop a server; it starts again when somebody comes."""
        self.site.stop(server)
        self.model.forget(server)

    def rotate(self) -> None:
        """Use a new secret on all servers, which forget what was in their memory."""
        self.site.rotate()
        self.model.generation += 1
        for server in range(len(SKEWS)):
            self.model.forget(server)

    def end(self) -> None:
        """Stop everything; nothing may be left of it."""
        self.site.end()
        self.site.watch.end()
        assert (leftovers.threads() | leftovers.sockets()) - self._running == set()

    # What holds.

    def stored(self) -> object:
        """Return what must not change when a login is refused."""

    def ended(self, verdict: Verdict) -> str:
        """Return the code that the one audit line has, after a look at what the observers were told."""
        [line] = self.site.new_lines()
        assert line.code in verdict.codes
        is_link = verdict.tab is not None and verdict.tab.purpose == "link"
        expected = ["failed"] if line.code != "ok" else [] if is_link else ["succeeded"]
        assert self.site.new_told() == expected
        return line.code

    def refused(self, response: TestResponse, code: str) -> None:
        """Check an answer that is no callback's, and its audit line."""
        [line] = self.site.new_lines()
        assert (line.code, response.status_int, self.site.new_told()) == (code, STATUSES[code], ["failed"])

    def check(self) -> None:
        """Check that everybody is who they should be, and that no more was told than was looked at."""
        self._looks += 1
        for number, browser in enumerate(self.browsers):
            server = (self._looks + number) % len(SKEWS)
            expected = {"me": self.model.me(browser.visitor), "session": browser.visitor.session}
            assert browser.get(server, "/look").json == expected
        assert (self.site.new_lines(), self.site.new_told()) == ([], [])

    def finish(self) -> None:
        """Check that a stranger can sign in on every server, whatever has been."""
        self.site.providers.repair()
        self.site.new_lines(), self.site.new_told()  # of a step that has failed, which is what is to be told
        newcomer = PEOPLE.index("Newcomer")
        for server in range(len(SKEWS)):
            browser = Browser(self.site)
            tab = self.start(browser, server, REGISTRATIONS[server])
            assert self.deliver(browser, server, self.consent(browser, tab, newcomer)) == "ok"

    def begun(
        self, browser: Browser, server: int, before: Mapping[str, str], response: TestResponse, begun: Begun
    ) -> Tab:
        """Return the login that was begun, after a look at the cookies: none was dropped that could have stayed."""
        [cookie] = [cookie for cookie in browser.cookies.items() if cookie[0] not in before]
        tab = Tab(
            *begun,
            url=response.location,
            state=state_of(response.location),
            cookie=cookie,
            issued_at=int(self.site.server(server).kit.clock()),
            secret=self.model.generation,
        )
        known = {known.cookie[0]: known for known in self.model.tabs}
        kept = [known[name] for name in browser.cookies if name != cookie[0]]
        dropped = [known[name] for name in before if name not in browser.cookies]
        assert all(self._is_alive(other, server) for other in kept)
        assert_room(tab, kept, [other for other in dropped if self._is_alive(other, server)])
        self.model.tabs.append(tab)
        self.tabs.append((browser, tab))
        return tab

    def _is_alive(self, tab: Tab, server: int) -> bool:
        return self.model.opens(tab.secret) and self.model.age(tab, server) < LIFETIME
