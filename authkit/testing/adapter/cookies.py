"""The cookies of transactions, each as `Cookie.header` writes it."""

from __future__ import annotations

from authkit.errors import AccountDenied
from authkit.testing.adapter.stage import Stage
from authkit.testing.adapter.wire import SetCookie
from authkit.testing.adapter.world import World
from authkit.testing.verdicts import expect

__all__ = ["Cookies"]

AS_IT_IS = "send `cookie.header` of each cookie as it is, in a Set-Cookie header of its own."
LEFT = "the browser keeps cookies of logins that are over, until its Cookie header is too long for the server."


def _cookie(world: World) -> SetCookie:
    """Return the cookie of a start."""
    answer = world.browser().get(world.path("/acme"))
    expect(
        answer.transactions,
        f"a start was answered {answer.status}, without a cookie",
        why="nobody can sign in.",
        fix=AS_IT_IS,
    )
    return answer.transactions[0]


class Cookies(Stage):
    """What the browser is told to keep, and to forget."""

    def test_the_cookie_is_sent_over_https_only(self) -> None:
        cookie = _cookie(self.world())
        expect(
            "secure" in cookie.attributes,
            f"the cookie {cookie.name} is not Secure",
            why="it goes over plain http too, where it can be read and planted; browsers drop a __Host- cookie so.",
            fix=AS_IT_IS,
        )

    def test_the_cookie_is_out_of_reach_of_scripts(self) -> None:
        cookie = _cookie(self.world())
        expect(
            "httponly" in cookie.attributes,
            f"the cookie {cookie.name} is not HttpOnly",
            why="a script that got into a page takes a login under way over to another browser.",
            fix=AS_IT_IS,
        )

    def test_the_cookie_comes_along_with_navigations_only(self) -> None:
        cookie = _cookie(self.world())
        expect(
            cookie.attributes.get("samesite") == "Lax",
            f"the cookie {cookie.name} has SameSite={cookie.attributes.get('samesite', '(none)')}, not Lax",
            why="without it requests of other sites carry the cookie; with Strict no callback does.",
            fix=AS_IT_IS,
        )

    def test_the_cookie_is_for_this_host_alone(self) -> None:
        cookie = _cookie(self.world())
        expect(
            "domain" not in cookie.attributes and cookie.attributes.get("path") == "/",
            f"the cookie {cookie.name} has Domain={cookie.attributes.get('domain', '(none)')} "
            f"and Path={cookie.attributes.get('path', '(none)')}",
            why="other hosts of the domain read and plant it; browsers drop a __Host- cookie that is so.",
            fix=AS_IT_IS,
        )

    def test_the_cookie_lives_for_ten_minutes(self) -> None:
        cookie = _cookie(self.world())
        expect(
            cookie.attributes.get("max-age") == "600",
            f"the cookie {cookie.name} has Max-Age={cookie.attributes.get('max-age', '(none)')}, not 600",
            why="what was begun and forgotten stays in the browser for as long as it runs.",
            fix=AS_IT_IS,
        )

    def test_on_a_loopback_host_without_tls_the_cookie_is_not_secure(self) -> None:
        world = self.world({"authkit.base_url": "http://127.0.0.1:6543"})
        browser = world.browser()
        cookie, location = _cookie(world), browser.log_in().location
        expect(
            "secure" not in cookie.attributes and not location.startswith("https:") and browser.me,
            f"with base_url http://127.0.0.1:6543 the cookie is {cookie.header.partition('=')[2][-60:]!r}, and a "
            f"login led to {location!r}",
            why="whoever develops without TLS cannot sign in on some browsers.",
            fix=AS_IT_IS,
        )

    def test_a_login_that_succeeds_clears_its_cookie(self) -> None:
        world = self.world()
        browser = world.browser()
        browser.log_in()
        expect(
            not [name for name in browser.cookies if name.startswith("__Host-authkit-")],
            "a login that succeeded left its cookie in the browser",
            why=LEFT,
            fix="send `Completed.cookies`, whatever answers in the end.",
        )

    def test_a_login_that_is_denied_clears_its_cookie(self) -> None:
        world = self.world()
        browser = world.browser()
        browser.visit(world.provider.deny(browser.start()))
        expect(
            browser.cookies == {},
            "a login that was denied at the provider left its cookie in the browser",
            why=LEFT,
            fix="send the `cookies` of the AuthkitError that `kit.complete` raises.",
        )

    def test_a_login_that_the_app_refuses_clears_its_cookie(self) -> None:
        def refuse(_: object) -> None:
            raise AccountDenied("not on the list")

        world = self.world(on_login=refuse)
        browser = world.browser()
        browser.log_in()
        expect(
            not [name for name in browser.cookies if name.startswith("__Host-authkit-")],
            "a login that the app's login handler refused left its cookie in the browser",
            why=LEFT,
            fix="send `Completed.cookies` with the error's answer too: `error.cookies = completed.cookies`.",
        )

    def test_a_failure_clears_the_cookie_on_the_way_to_the_login_page(self) -> None:
        world = self.world({"authkit.login_url": "/sign-in"})
        browser = world.browser()
        browser.visit(browser.begin().replace("code=", "code=not-"))
        expect(
            browser.cookies == {},
            "with authkit.login_url, a login whose code the provider refused left its cookie in the browser",
            why=LEFT,
            fix="send the error's `cookies` with the redirect to the login page as well.",
        )
