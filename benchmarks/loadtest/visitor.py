"""`Visitor`: what one person does in one browser, visit after visit."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from urllib.parse import parse_qs, urlsplit

from loadtest.browser import NAVIGATION, Answer, Browser
from loadtest.people import Person
from loadtest.tally import Attempt, Tally

__all__ = ["VISITS", "Visitor"]

START = "/auth/tiktok?return_to=/me"


class Visitor:
    """One person, and their second account at the provider, in one browser.

    Args:
        browser: the browser.
        first: who they are.
        second: their second account.
        tally: counts how visits end.
        random: decides what they do.
    """

    def __init__(self, browser: Browser, first: Person, second: Person, tally: Tally, random: Random) -> None:
        self.browser = browser
        self._first = first
        self._second = second
        self.tally = tally
        self._random = random
        self._account = ""
        self._login = ""
        self._has_second = False

    def visit(self) -> None:
        """Do one of the things that people do."""
        (act,) = self._random.choices([act for act, _ in VISITS], [weight for _, weight in VISITS])
        outcome = act(self)
        self.tally.visit(act.__name__.replace("_", " "), outcome)

    # What people do

    def sign_in(self) -> str:
        """Sign in, most often after signing out."""
        if self._random.random() < 0.7:
            self._sign_out()
        return self._finish(self._consent(self._start(), self._first), self._first)

    def use_two_tabs(self) -> str:
        """Begin in two tabs, and end both, the older one last."""
        self._sign_out()
        older, newer = self._start(), self._start()
        self._finish(self._consent(newer, self._first), self._first)
        return self._finish(self._consent(older, self._first), self._first)

    def give_up(self) -> str:
        """Begin, look at the consent page, and go away."""
        begun = self._start()
        if begun:
            self.browser.ask_provider(begun)
        return "given up" if begun else "provider_unavailable"

    def deny(self) -> str:
        """Begin, and say no."""
        self._sign_out()
        begun = self._start()
        self.browser.forget_provider()
        return self._finish(self._consent(begun, self._first, decision="deny"), self._first, wants="access_denied")

    def replay(self) -> str:
        """Sign in, sign out, and send the callback again, with the cookies that the browser had the first time."""
        self._sign_out()
        callback = self._consent(self._start(), self._first)
        before = "; ".join(f"{name}={value}" for name, value in self.browser.app_cookies().items())
        self._finish(callback, self._first)
        self._sign_out()
        if not callback:
            return "provider_unavailable"
        again = self.browser.ask_app(callback, headers={**NAVIGATION, "Cookie": before})
        self.tally.expect_audit(again.code)
        if again.code != "state_invalid":
            self.tally.breach(f"a callback that was sent again was answered {again.status} {again.code}")
        self._require(signed_in=False, after="a callback that was sent again")
        return again.code

    def refresh(self) -> str:
        """Have the app refresh the token that it keeps."""
        if not self._is_signed_in():
            return self.sign_in()
        answer = self.browser.ask_app("/refresh")
        self.tally.end(Attempt("refresh", self._login, answer.code, answer.reference, answer.seconds))
        return answer.code

    def link_or_unlink(self) -> str:
        """Link the second account, or take it away again."""
        if not self._is_signed_in():
            return self.sign_in()
        page = self.browser.ask_app("/auth/accounts", headers={**NAVIGATION, "Accept": "application/json"})
        shown = json.loads(page.text)
        mine = {each["identity"].rpartition(":")[2]: each["identity"] for each in shown["identities"]}
        form = {"csrf_token": shown["csrf_token"], "return_to": "/me"}
        if self._has_second:
            return self._unlink({**form, "identity": mine[self._second.open_id]})
        begun = self.browser.ask_app("/auth/tiktok/link", form)
        if not begun.is_fine:
            return self._end("link", "", begun)
        return self._finish(self._consent(begun.location, self._second), self._second, kind="link")

    def come_as_somebody_else(self) -> str:
        """Sign in with the second account while the first is signed in: refused, unless it is linked."""
        if not self._is_signed_in():
            return self.sign_in()
        self.browser.forget_provider()
        callback = self._consent(self._start(), self._second)
        return self._finish(callback, self._second, wants="ok" if self._has_second else "account_conflict")

    # How they do it

    def _start(self) -> str:
        """Begin a login, and return where the browser is sent; "" if it is refused."""
        begun = self.browser.ask_app(START)
        if not begun.is_fine:
            self._end("login", "", begun)
            return ""
        if not self.browser.is_provider(begun.location):
            self.tally.breach(f"a login began at {begun.location.partition('?')[0]}")
        return begun.location

    def _consent(self, url: str, person: Person, decision: str = "allow") -> str:
        """Decide at the provider, and return where the browser is sent; "" if there was nowhere to go."""
        if not url:
            return ""
        if self._random.random() < 0.5 or person is self._second:
            self.browser.forget_provider()
        page = self.browser.ask_provider(url)
        if page.status == 200:
            form = {"user": person.open_id, "scope": "user.info.basic", "decision": decision}
            page = self.browser.ask_provider(url, form)
        if person is self._second:
            self.browser.forget_provider()  # or the provider would take the next login for theirs, unasked
        if not self.browser.is_app(page.location):
            self.tally.breach(f"the provider answered {page.status} and led to {page.location!r}")
            return ""
        return page.location

    def _finish(self, callback: str, person: Person, *, kind: str = "login", wants: str = "ok") -> str:
        """Come back to the app, and look who is signed in."""
        if not callback:
            return "provider_unavailable"
        answer = self.browser.ask_app(callback)
        [login] = parse_qs(urlsplit(callback).query).get("code", [""])
        self._end(kind, login, answer, wants)
        if answer.is_fine:
            self._succeed(kind, login, person)
            if wants != "ok":
                self.tally.breach(f"a login that had to end in {wants} succeeded")
        return answer.code

    def _succeed(self, kind: str, login: str, person: Person) -> None:
        if person is self._second and kind == "link":
            self._has_second = True
            self.tally.set_linked(person.open_id, is_linked=True)
        if person is self._first:
            self._login = login
            self.tally.signed_in(person.open_id)
        self._require(signed_in=True, after=f"a {kind} of {person.name}")

    def _end(self, kind: str, login: str, answer: Answer, wants: str = "ok") -> str:
        """Note the end of a login or a link. What was meant to be refused, and was, has succeeded."""
        self.tally.expect_audit(answer.code)
        outcome = "ok" if answer.code == wants else answer.code
        self.tally.end(Attempt(kind, login, outcome, answer.reference, answer.seconds))
        return answer.code

    def _unlink(self, form: dict[str, str]) -> str:
        answer = self.browser.ask_app("/auth/tiktok/unlink", form)
        self.tally.expect_audit(answer.code)
        if not answer.is_fine:
            self.tally.breach(f"an unlink was answered {answer.status} {answer.code}")
            return answer.code
        self._has_second = False
        self.tally.set_linked(self._second.open_id, is_linked=False)
        self._require(signed_in=True, after="an unlink")
        return "unlinked"

    def _sign_out(self) -> None:
        self.browser.ask_app("/auth/logout", {})

    def _is_signed_in(self) -> bool:
        return json.loads(self.browser.ask_app("/me").text)["account"] is not None

    def _require(self, *, signed_in: bool, after: str) -> None:
        """Note a breach unless exactly this person, with exactly these identities, is signed in; or nobody."""
        found = json.loads(self.browser.ask_app("/me").text)
        if not signed_in:
            if found["account"] is not None:
                self.tally.breach(f"after {after}, {found['name']} is signed in")
            return
        wanted = [self._first.open_id, *([self._second.open_id] if self._has_second else [])]
        self._account = self._account or found["account"] or ""
        if found["account"] != self._account or sorted(found["subjects"]) != sorted(wanted):
            self.tally.breach(f"after {after}, the app has {found}, not {wanted} in the account {self._account}")


VISITS: tuple[tuple[Callable[[Visitor], str], int], ...] = (
    (Visitor.sign_in, 48),
    (Visitor.use_two_tabs, 8),
    (Visitor.give_up, 10),
    (Visitor.deny, 8),
    (Visitor.replay, 8),
    (Visitor.refresh, 8),
    (Visitor.link_or_unlink, 6),
    (Visitor.come_as_somebody_else, 4),
)
"""What people do, and how often beside the rest."""
