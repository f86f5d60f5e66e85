"""Sessions: what was there before a login is of no use after it, and a failure changes nothing."""

from __future__ import annotations

import re
from html import unescape

from authkit import Login
from authkit.testing.adapter.stage import Stage
from authkit.testing.verdicts import expect

__all__ = ["Sessions"]

FIXATION = "an attacker plants a session in somebody's browser, waits for the login, and is signed in as well."
LEFT_ALONE = "touch the session in one place only: once the login handler has answered."
LURED = "somebody who was lured into a login works in a stranger's account without noticing."


class Sessions(Stage):
    """Who is signed in, and what else the browser's session holds."""

    def test_cookies_from_before_a_login_sign_nobody_in(self) -> None:
        world = self.world_with_sessions()
        browser = world.browser()
        world.content(browser, "cart=shoes")
        attacker = world.browser(cookies=browser.cookies)
        browser.log_in()
        expect(
            not attacker.me,
            f"whoever has the session cookie from before a login is signed in by it, as {attacker.me!r}",
            why=FIXATION,
            fix="give the session a new id (server) or begin a new one (cookie) before you sign anybody in.",
        )

    def test_content_from_before_a_login_is_gone(self) -> None:
        world = self.world_with_sessions()
        browser = world.browser()
        world.content(browser, "attacker=1")
        browser.log_in()
        expect(
            "attacker" not in world.content(browser),
            "what stood in the session before a login is still there after it",
            why="what an attacker planted there acts in the name of whoever signs in.",
            fix="begin with an empty session; take over only what the app names, such as a cart.",
        )

    def test_a_failure_leaves_the_session_as_it_was(self) -> None:
        world = self.world_with_sessions()
        browser = world.browser()
        before = world.content(browser, "cart=shoes")
        browser.visit(world.provider.deny(browser.start()))
        expect(
            world.content(browser) == before,
            f"a login that was denied made of the session {before} this: {world.content(browser)}",
            why="anybody can empty a visitor's cart with a link.",
            fix=LEFT_ALONE,
        )

    def test_a_failure_leaves_who_is_signed_in_signed_in(self) -> None:
        world = self.world()
        browser = world.browser()
        browser.log_in()
        before = browser.me
        browser.get(world.path("/acme/callback"), "code=c&state=unknown")
        expect(
            browser.me == before,
            f"a callback that failed made of the visitor {before!r} this one: {browser.me!r}",
            why="anybody can sign a visitor out with a link.",
            fix=LEFT_ALONE,
        )

    def test_somebody_else_is_not_signed_in_unasked(self) -> None:
        world = self.world()
        browser = world.browser()
        browser.log_in()
        before = browser.me
        browser.log_in(user=1)
        expect(
            browser.me == before,
            f"while {before!r} was signed in, a login as somebody else signed in {browser.me!r} without a question",
            why=LURED,
            fix="raise AccountConflict(return_to=login.return_to) where another account is signed in.",
        )

    def test_the_page_that_asks_before_it_switches_leads_to_the_other_account(self) -> None:
        world = self.world()
        browser = world.browser()
        browser.log_in()
        conflict = browser.log_in("return_to=/inbox", user=1)
        action = re.search(r'<form method="post" action="([^"]+)"', conflict.text)
        signed_out = browser.visit(unescape(action[1]), "POST") if action else conflict
        started = browser.visit(signed_out.location) if signed_out.location else signed_out
        if "state=" in started.location:
            browser.visit(world.provider.approve(started.location, user=1))
        last = world.told[-1]
        expect(
            browser.me and isinstance(last, Login) and last.identity.subject == "grace-2",
            f"the answer to a login as somebody else ({conflict.status}) does not lead to that account: "
            f"who is signed in is {browser.me!r}",
            why="people with two accounts are stuck.",
            fix="set the error's `registration` and `return_to`, and answer the page of `Pages.error`.",
        )

    def test_the_same_person_may_sign_in_again(self) -> None:
        world = self.world()
        browser = world.browser()
        browser.log_in()
        before, answer = browser.me, browser.log_in()
        expect(
            browser.me == before and not answer.is_refusal,
            f"{before!r} signed in twice: the second time was answered {answer.status}",
            why="whoever clicks the button again is told to switch accounts.",
            fix="compare who is signed in with who signs in, before you raise AccountConflict.",
        )
