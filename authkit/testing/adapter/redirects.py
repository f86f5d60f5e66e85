"""Where the browser is sent: to addresses of the kit's own making, whatever the request says."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

from authkit.testing.adapter.stage import Stage
from authkit.testing.adapter.world import ORIGIN, place_of
from authkit.testing.verdicts import expect

__all__ = ["Redirects"]

EVIL = {"HTTP_HOST": "evil.example", "SERVER_NAME": "evil.example"}
FORWARDED = {
    "HTTP_X_FORWARDED_HOST": "evil.example",
    "HTTP_X_FORWARDED_SERVER": "evil.example",
    "HTTP_X_FORWARDED_PORT": "8080",
    "HTTP_X_FORWARDED_PREFIX": "/evil",
    "HTTP_FORWARDED": "host=evil.example;proto=http",
    "HTTP_X_ORIGINAL_URL": "/evil",
    "HTTP_X_REWRITE_URL": "/evil",
}
ELSEWHERE = ("https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)")
BY_HOST = "a cache or a reset mail with a forged Host sends people, and their codes, to somebody else's server."
LOCAL = "build it with `kit.site.local_url(login.return_to)`, never from the request."


class Redirects(Stage):
    """The ``Location`` of every answer."""

    def test_the_redirect_after_a_login_is_followed_by_get(self) -> None:
        status = self.world().browser().log_in().status
        expect(
            status in (302, 303),
            f"a login that succeeded was answered {status}, not 302 or 303",
            why="301 and 308 are kept by browsers, so that no callback is asked again; 307 repeats the method.",
            fix="redirect with 303.",
        )

    def test_a_login_ends_where_it_was_begun_from(self) -> None:
        world = self.world()
        path = urlsplit(world.browser().log_in("return_to=/inbox").location).path
        expect(
            path == "/inbox",
            f"a login that was begun with return_to=/inbox ended at {path!r}",
            why="people are thrown out of what they were doing.",
            fix="hand `authkit.adapters.return_to(query)` to `kit.begin(return_to=…)`, and go to `login.return_to`.",
        )

    def test_a_return_to_on_another_site_leads_home(self) -> None:
        world = self.world()
        for value in ELSEWHERE:
            location = world.browser().log_in(f"return_to={quote(value, safe='')}").location
            expect(
                place_of(location) == f"{ORIGIN}/",
                f"a login that was begun with return_to={value!r} ended at {location!r}, not at the start page",
                why="a link to this site takes people to another one that looks like it (open redirect).",
                fix="go to `login.return_to`, which the kit has judged, and to nothing that you have kept yourself.",
            )

    def test_a_return_to_in_the_callback_does_not_count(self) -> None:
        world = self.world()
        browser = world.browser()
        path = urlsplit(browser.visit(f"{browser.begin('return_to=/inbox')}&return_to=/else").location).path
        expect(
            path != "/else",
            "a login ended at the return_to of the callback's own query",
            why="whoever can change the callback's address chooses where people go from there.",
            fix="go to `login.return_to`; the callback's query is the kit's.",
        )

    def test_every_location_is_absolute(self) -> None:
        world = self.world()
        browser = world.browser()
        locations = [browser.log_in("return_to=/a").location, browser.log_out("return_to=/b").location]
        expect(
            all(location.startswith(f"{ORIGIN}/") for location in locations),
            f"signing in and out led to {locations}",
            why="a relative address is completed from Host, by proxies and by some frameworks.",
            fix=LOCAL,
        )

    def test_the_redirect_uri_does_not_follow_the_host_header(self) -> None:
        world = self.world()
        url = world.browser().start(**EVIL)
        sent = parse_qs(urlsplit(url).query)["redirect_uri"]
        expect(
            sent == [f"{ORIGIN}/auth/acme/callback"],
            f"with Host: evil.example the redirect URI is {sent}",
            why="the provider sends the code to a forged host, where its list of addresses is lax.",
            fix="do not pass `redirect_uri` to `kit.begin`; the registration has its own.",
        )

    def test_no_login_ends_at_a_forged_host(self) -> None:
        browser = self.world().browser()
        location = browser.log_in(**EVIL).location
        expect(
            "evil" not in location,
            f"with Host: evil.example a login ended at {location!r}",
            why=BY_HOST,
            fix=LOCAL,
        )

    def test_signing_out_does_not_follow_the_host_header(self) -> None:
        browser = self.world().browser()
        location = browser.log_out(**EVIL).location
        expect(
            "evil" not in location,
            f"with Host: evil.example signing out led to {location!r}",
            why=BY_HOST,
            fix="build it with `kit.site.local_url(return_to(query) or kit.site.home)`.",
        )

    def test_the_headers_of_proxies_change_nothing(self) -> None:
        world = self.world()
        browser = world.browser()
        started = browser.get(world.path("/acme"), **FORWARDED)
        location = browser.visit(world.provider.approve(started.location), **FORWARDED).location
        expect(
            "evil" not in f"{started.everything}{location}",
            f"with X-Forwarded-Host and the like a login ended at {location!r}",
            why=BY_HOST,
            fix=LOCAL,
        )

    def test_behind_a_proxy_that_ends_tls_all_stays_https(self) -> None:
        world = self.world()
        browser = world.browser()
        plain = {"wsgi.url_scheme": "http", "SERVER_PORT": "80"}
        started = browser.get(world.path("/acme"), **plain)
        location = browser.visit(world.provider.approve(started.location), **plain).location
        found, usual = (
            [(cookie.name[:15], cookie.attributes) for cookie in answer.transactions]
            for answer in (started, browser.get(world.path("/acme")))
        )
        expect(
            found == usual and not location.startswith("http:"),
            f"with plain http between proxy and application, a login ended at {location!r}, and its cookie "
            f"was {found}, where with https it is {usual}",
            why="behind any usual proxy, cookies and addresses fall back to what can be read on the way.",
            fix="go by `kit.site` and `cookie.header`; the request does not know how the browser came.",
        )

    def test_no_code_is_left_in_an_address(self) -> None:
        world = self.world()
        browser = world.browser()
        callback = browser.begin()
        location = browser.visit(callback).location
        secrets = [values[0] for values in parse_qs(urlsplit(callback).query).values()]
        expect(
            not [secret for secret in secrets if secret in location],
            "the address that a login ended at has the code or the state in it",
            why="it stays in the history, and goes to others as Referer.",
            fix=LOCAL,
        )

    def test_a_redirect_does_not_repeat_its_address_in_its_body(self) -> None:
        world = self.world()
        answer = world.browser().get(world.path("/acme"))
        state = parse_qs(urlsplit(answer.location).query).get("state", [""])[0]
        expect(
            state not in answer.text,
            "the body of the redirect to the provider has the state in it",
            why="what keeps or scans pages, such as a proxy, gets the state of a login under way.",
            fix="answer redirects with an empty body; many frameworks write a link into it.",
        )
