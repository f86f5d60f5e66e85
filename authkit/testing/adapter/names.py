"""Paths: which registration is meant, and what is none."""

from __future__ import annotations

from authkit.testing.adapter.stage import Stage
from authkit.testing.adapter.world import ORIGIN, place_of
from authkit.testing.verdicts import expect

__all__ = ["Names"]

TRICKS = (
    "acme ",
    " acme",
    "acme\x00",
    "acme\r\nX: 1",
    "acme;x=1",
    "acme%00",
    "acme.",
    "..",
    "<script>",
    "acm\xc3\xa9",
)
UNROUTED = ("/acme/", "//acme", "/acme//callback", "/acme/callback/", "/acme/callback/x", "/../auth/acme")
GARBLED = ("/\xff", "/acme\xe9", "/\xed\xa0\x80/callback")


class Names(Stage):
    """The paths of authkit's routes."""

    def test_an_unknown_registration_is_not_found(self) -> None:
        world = self.world()
        for path in ("/nope", "/nope/callback"):
            answer = world.browser().get(world.path(path))
            expect(
                answer.status == 404,
                f"GET {world.path(path)} was answered {answer.status}, not 404",
                why="whoever runs the site cannot tell a wrong link from a login that failed.",
                fix="let `kit.begin` and `kit.complete` raise UnknownProvider, and answer its `status`.",
            )

    def test_an_unknown_name_is_not_repeated(self) -> None:
        world = self.world()
        answer = world.browser().get(world.path("/<b>canary"))
        expect(
            "canary" not in answer.everything,
            "the answer to an unknown registration repeats its name",
            why="somebody else's words, or scripts, appear on a page of this site.",
            fix="answer `Pages(kit).error(error)`, and not the framework's own page for 404.",
        )

    def test_a_name_that_is_almost_one_is_none(self) -> None:
        world = self.world()
        for name in TRICKS:
            answer = world.browser().get(world.path(f"/{name}"))
            expect(
                answer.is_refusal and not answer.transactions,
                f"GET {world.path('/')} + {name!r} was answered {answer.status}",
                why="what a proxy or a log takes for one address would be another one here.",
                fix="hand the name from the path to the kit as it is: neither trimmed nor decoded once more.",
            )

    def test_a_name_is_compared_letter_by_letter(self) -> None:
        world = self.world()
        answer = world.browser().get(world.path("/ACME"))
        expect(
            answer.is_refusal,
            f"GET {world.path('/ACME')} was answered {answer.status}",
            why="the redirect URI has one spelling at the provider; a login with another one ends in an error there.",
            fix="do not change the case of the name in the path.",
        )

    def test_a_path_that_is_no_route_is_not_redirected_to_one(self) -> None:
        world = self.world()
        for rest in UNROUTED:
            answer = world.browser().get(world.path(rest))
            expect(
                answer.is_refusal and not answer.location,
                f"GET {world.path(rest)} was answered {answer.status}, Location {answer.location[:60]!r}",
                why="a router that mends paths builds the address from Host, and repeats code and state in it.",
                fix="turn off the mending of slashes for authkit's routes.",
            )

    def test_a_path_that_is_no_utf_8_is_refused(self) -> None:
        world = self.world()
        for rest in GARBLED:
            answer = world.browser().get(world.path(rest))
            expect(
                400 <= answer.status < 500,
                f"GET of a path under {world.kit.site.prefix} that is no UTF-8 was answered {answer.status}",
                why="anybody can fill the error log, and set off alarms, with a single address.",
                fix="answer InvalidRequest or 404 where the path cannot be decoded.",
            )

    def test_another_prefix_moves_every_route(self) -> None:
        world = self.world({"authkit.prefix": "/sign/in"})
        browser = world.browser()
        browser.log_in()
        signed_in, page = browser.me, browser.get("/sign/in/").status
        browser.log_out()
        expect(
            signed_in and page == 200 and not browser.me,
            f"with the prefix /sign/in, a login signed in {signed_in!r}, the sign-in page answers {page}, "
            f"and signing out left {browser.me!r}",
            why="a site that sets authkit.prefix has no sign-in.",
            fix="build the routes from `kit.site.prefix`.",
        )

    def test_an_app_below_a_path_stays_below_it(self) -> None:
        world = self.world({"authkit.base_url": "https://app.example/shop"})
        browser = world.browser()
        location = browser.log_in().location
        expect(
            browser.me and place_of(location) == f"{ORIGIN}/shop/",
            f"mounted below /shop (SCRIPT_NAME), a login led to {location!r} and signed in {browser.me!r}",
            why="a site below a path of a larger one has no sign-in, or sends people out of it.",
            fix="route by PATH_INFO, without SCRIPT_NAME, and build addresses with `kit.site.local_url`.",
        )
