"""Signing out: ``POST /auth/logout``, and only by the visitor's own wish."""

from __future__ import annotations

from urllib.parse import quote

from authkit.testing.adapter.browser import Browser
from authkit.testing.adapter.redirects import ELSEWHERE
from authkit.testing.adapter.stage import Stage
from authkit.testing.adapter.wire import Answer
from authkit.testing.adapter.world import ORIGIN
from authkit.testing.verdicts import expect, lacks

__all__ = ["SignOut"]

OTHERS = "another site signs visitors out, and then in again as somebody else."
CHECK = "call `authkit.adapters.require_same_origin` with Sec-Fetch-Site and Origin before you end the session."


def _expect_refused(browser: Browser, answer: Answer, what: str) -> None:
    expect(
        browser.me and answer.is_refusal,
        f"signing out with {what} was answered {answer.status}, and left {browser.me!r} signed in",
        why=OTHERS,
        fix=CHECK,
    )


class SignOut(Stage):
    """The end of a session."""

    def test_signing_out_signs_out(self) -> None:
        world = self.world()
        browser = world.browser()
        browser.log_in()
        answer = browser.log_out()
        expect(
            not browser.me and answer.status in (302, 303),
            f"signing out was answered {answer.status}, and left {browser.me!r} signed in",
            why="the next person at this computer is signed in.",
            fix="forget who is signed in, and redirect with 303.",
        )

    def test_a_get_request_does_not_sign_out(self) -> None:
        world = self.world()
        browser = world.browser()
        browser.log_in()
        answer = browser.get(world.path("/logout"))
        expect(
            browser.me and answer.status == 405,
            f"GET {world.path('/logout')} was answered {answer.status}, and left {browser.me!r} signed in",
            why="any picture or link, and any browser that fetches ahead, signs people out.",
            fix="call `authkit.adapters.require_method(method, 'POST')` first.",
        )

    def test_a_form_of_another_site_does_not_sign_out(self) -> None:
        browser = self.world().browser()
        browser.log_in()
        for site in ("cross-site", "same-site"):
            answer = browser.log_out(HTTP_SEC_FETCH_SITE=site, HTTP_ORIGIN=ORIGIN)
            _expect_refused(browser, answer, f"Sec-Fetch-Site: {site}")

    def test_another_origin_does_not_sign_out(self) -> None:
        browser = self.world().browser()
        browser.log_in()
        for origin in ("https://evil.example", "http://app.example", "https://app.example.evil.example", "null"):
            _expect_refused(browser, browser.log_out(HTTP_ORIGIN=origin), f"Origin: {origin}")

    def test_a_form_of_our_own_pages_signs_out(self) -> None:
        browser = self.world().browser()
        browser.log_in()
        answer = browser.log_out(HTTP_SEC_FETCH_SITE="same-origin", HTTP_ORIGIN="null")
        expect(
            not browser.me and not answer.is_refusal,
            f"the form of a page of ours was answered {answer.status}",
            why="pages with the policy no-referrer send Origin: null; the button on them does nothing.",
            fix="take Origin: null where Sec-Fetch-Site is same-origin, as `adapters.require_same_origin` does.",
        )

    def test_signing_out_leads_where_the_query_says_on_this_site_only(self) -> None:
        world = self.world()
        cases = {"/bye": f"{ORIGIN}/bye", **dict.fromkeys(ELSEWHERE, f"{ORIGIN}/")}
        for value, wanted in cases.items():
            location = world.browser().log_out(f"return_to={quote(value, safe='')}").location
            expect(
                location == wanted,
                f"signing out with return_to={value!r} led to {location!r}, not to {wanted!r}",
                why="a link to this site takes people to another one that looks like it (open redirect).",
                fix="go to `kit.site.local_url(authkit.adapters.return_to(query) or kit.site.home)`.",
            )

    def test_signing_out_ends_the_whole_session(self) -> None:
        world = self.world_with_sessions()
        browser = world.browser()
        browser.log_in()
        world.content(browser, "cart=shoes")
        browser.log_out()
        expect(
            "cart" not in world.content(browser),
            "what stood in the session is still there after signing out",
            why="the next person at this computer sees what the last one did.",
            fix="end the session, not only the entry that says who is signed in.",
        )

    def test_an_ended_session_is_ended_on_the_server(self) -> None:
        if self.sessions != "server":
            lacks("session on the server", declare='sessions = "server", and GET /session')
        world = self.world()
        browser = world.browser()
        browser.log_in()
        world.content(browser, "cart=shoes")
        copied = world.browser(cookies=browser.cookies)
        browser.log_out()
        left = world.content(copied)
        expect(
            "cart" not in left,
            f"after signing out, the old session cookie still opens the session: {left}",
            why="whoever got hold of the cookie stays in for as long as they like.",
            fix="delete the session in its store; clearing the cookie reaches this one browser only.",
        )
