"""What a visitor or a program gets to see of a login that failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from authkit.testing.adapter.stage import Stage
from authkit.testing.adapter.wire import Answer
from authkit.testing.adapter.world import World
from authkit.testing.verdicts import expect

__all__ = ["Refusals"]

PAGE = "answer `Pages(kit).error(error)` with its status and its headers."
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'none'",
}


def _every_kind_of_answer(world: World) -> list[tuple[str, Answer]]:
    browser = world.browser()
    return [
        ("the sign-in page", browser.get(world.path("/"))),
        ("a start", browser.get(world.path("/acme"))),
        ("a login", browser.log_in()),
        ("a failed callback", browser.get(world.path("/acme/callback"), "code=c&state=s")),
        ("an unknown registration", browser.get(world.path("/nope"))),
        ("a wrong method", browser.get(world.path("/logout"))),
        ("an error as JSON", browser.get(world.path("/nope"), HTTP_ACCEPT="application/json")),
        ("signing out", browser.log_out()),
    ]


def _expect_header(world: World, name: str, why: str) -> None:
    value = HEADERS[name]
    without = [kind for kind, answer in _every_kind_of_answer(world) if value not in answer.get(name)]
    expect(
        not without,
        f"the header {name}: {value} is missing in the answer to {', '.join(without)}",
        why=why,
        fix="add `authkit.adapters.SAFE_HEADERS` to every answer of authkit's routes, redirects and errors included; "
        "a page has its own.",
    )


def _denied(world: World, **environ: str) -> Answer:
    browser = world.browser()
    return browser.visit(world.provider.deny(browser.start()), **environ)


class Refusals(Stage):
    """Error pages, and the headers of all answers."""

    def test_no_answer_is_kept(self) -> None:
        why = "proxies and the back button hand out other people's answers, and addresses with codes."
        _expect_header(self.world(), "Cache-Control", why)

    def test_no_answer_sends_a_referer(self) -> None:
        why = "the address of a callback holds code and state, and would go to whoever a page links to."
        _expect_header(self.world(), "Referrer-Policy", why)

    def test_no_answer_is_sniffed(self) -> None:
        why = "some browsers run as a script what was not meant as one."
        _expect_header(self.world(), "X-Content-Type-Options", why)

    def test_no_answer_can_be_framed(self) -> None:
        why = "another site lays its own page over the buttons (clickjacking, RFC 9700, section 4.16)."
        _expect_header(self.world(), "Content-Security-Policy", why)

    def test_a_refusal_has_the_status_of_its_error(self) -> None:
        world = self.world()
        status = _denied(world).status
        expect(
            status == 403,
            f"a login that was denied at the provider (access_denied) was answered {status}, not 403",
            why="monitoring counts failures as something else, and programs do the wrong thing next.",
            fix="answer `error.status`.",
        )

    def test_a_state_that_is_bad_is_a_bad_request(self) -> None:
        world = self.world()
        status = world.browser().get(world.path("/acme/callback"), "code=c&state=unknown").status
        expect(
            status == 400,
            f"a callback with an unknown state was answered {status}, not 400",
            why="what anybody can bring about at will must not look like a fault of the server, nor like success.",
            fix="answer `error.status`.",
        )

    def test_an_error_page_shows_the_code(self) -> None:
        text = _denied(self.world()).text
        expect(
            "access_denied" in text,
            "the page of a login that was denied does not show its code, access_denied",
            why="whoever runs the site cannot look up what a visitor reports.",
            fix=PAGE,
        )

    def test_an_error_page_shows_the_reference_that_the_log_has(self) -> None:
        world = self.world()
        text = _denied(world).text
        expect(
            world.error and world.error.correlation_id in text and world.error.correlation_id in world.log.text,
            "the page of a login that was denied does not show the correlation id of its audit line",
            why="of many lines in the log, nobody can tell which one belongs to this visitor.",
            fix=f"{PAGE} Report the same error, with `kit.failed(error)`.",
        )

    def test_an_error_page_never_shows_the_reason(self) -> None:
        world = self.world()
        text = world.browser().get(world.path("/acme/callback"), "code=c&state=unknown").text
        reason = world.error.reason if world.error else ""
        expect(
            not reason or (reason not in text and escape(reason) not in text),
            f"an error page shows the reason, {reason!r}",
            why="the reason is the operator's: it may name keys, hosts and what an attacker should try next.",
            fix=PAGE,
        )

    def test_an_error_page_never_repeats_the_request(self) -> None:
        world = self.world()
        query = "code=c&state=unknown&error_description=%3Cb%3Ecanary%3C/b%3E"
        answer = world.browser().get(world.path("/acme/callback"), query)
        expect(
            "canary" not in answer.everything,
            "an error page repeats what stands in the query of the callback",
            why="somebody else's words, or scripts, appear on a page of this site.",
            fix=PAGE,
        )

    def test_a_wrong_method_is_told_the_right_one(self) -> None:
        world = self.world()
        for path, allowed in {"/acme": "GET", "/acme/callback": "GET", "/logout": "POST"}.items():
            answer = world.browser().ask("PUT", world.path(path))
            expect(
                allowed in answer.get("Allow"),
                f"PUT {world.path(path)} was answered {answer.status} with Allow: {answer.get('Allow')!r}",
                why="405 without Allow is no HTTP (RFC 9110, section 15.5.6); clients cannot tell what to do.",
                fix="add `authkit.adapters.error_headers(error)` to the answer.",
            )

    def test_who_may_try_again_is_told_when(self) -> None:
        world = self.world()
        browser = world.browser()
        callback = browser.begin()
        world.provider.workbench.faults.add("token:503")
        answer = browser.visit(callback)
        expect(
            answer.status == 503 and answer.get("Retry-After").isdigit(),
            f"while the provider is away, a callback was answered {answer.status} "
            f"with Retry-After: {answer.get('Retry-After')!r}",
            why="people and programs try at once and again, and keep the provider down.",
            fix="answer `error.status`, and add `authkit.adapters.error_headers(error)`.",
        )

    def test_a_program_gets_the_error_as_json(self) -> None:
        world = self.world()
        answer = _denied(world, HTTP_ACCEPT="application/json")
        error, found = world.error, _read(answer)
        wanted = error and {"code": error.code, "message": error.message, "correlation_id": error.correlation_id}
        expect(
            found == {"error": wanted} and answer.get("Content-Type").startswith("application/json"),
            f"with Accept: application/json an error was answered as {answer.get('Content-Type')}: "
            f"{answer.text[:200]!r}",
            why="a single-page app cannot say what went wrong, or says more than a visitor should read.",
            fix="answer `authkit.adapters.error_object(error)` as JSON, with `error.status`.",
        )

    def test_a_browser_gets_a_page(self) -> None:
        world = self.world()
        for accept in (BROWSER, "*/*"):
            kind = world.browser().get(world.path("/nope"), HTTP_ACCEPT=accept).get("Content-Type")
            expect(
                kind.startswith("text/html"),
                f"with Accept: {accept} an error was answered as {kind}",
                why="people see braces instead of a page that leads on.",
                fix="answer JSON only to who prefers it to a page.",
            )

    def test_a_failure_goes_to_the_app_s_own_login_page(self) -> None:
        world = self.world({"authkit.login_url": "/sign-in?lang=de"})
        answer = _denied(world)
        wanted = world.kit.site.failure_url("access_denied", world.error.correlation_id if world.error else "")
        expect(
            answer.status == 303 and answer.location == wanted,
            f"with authkit.login_url a login that was denied was answered {answer.status}, "
            f"Location {answer.location!r}, not 303 to {wanted!r}",
            why="the site has its own page for this, and it cannot say what happened.",
            fix="redirect with 303 to `kit.site.failure_url(error.code, error.correlation_id)`.",
        )

    def test_a_program_gets_json_even_where_there_is_a_login_page(self) -> None:
        world = self.world({"authkit.login_url": "/sign-in"})
        answer = world.browser().get(world.path("/nope"), HTTP_ACCEPT="application/json")
        expect(
            answer.status == 404 and "error" in _read(answer),
            f"with authkit.login_url and Accept: application/json an error was answered {answer.status}, "
            f"Location {answer.location!r}",
            why="a program follows the redirect, gets a page with 200, and takes it for success.",
            fix="look at Accept first, and at `kit.site.login_url` for browsers only.",
        )


def _read(answer: Answer) -> Mapping[str, object]:
    """Return the body of an answer as a JSON object, an empty one if it is none."""
    try:
        found = json.loads(answer.text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
