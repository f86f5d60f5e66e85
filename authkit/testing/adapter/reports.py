"""What observers and the audit log are told: each login once, and no secret."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from authkit import Login
from authkit.testing.adapter.browser import Browser
from authkit.testing.adapter.stage import Stage
from authkit.testing.adapter.world import World
from authkit.testing.verdicts import expect

__all__ = ["Reports"]

COUNTS = "whoever counts logins, or watches for attacks, gets wrong numbers."


def _told(world: World, browser: Browser, url: str) -> tuple[list[str], list[str]]:
    """Return what observers, and the audit log, are told of one request."""
    told, audited = len(world.codes), len(world.log.audit)
    browser.visit(url)
    lines = world.log.audit[audited:]
    return world.codes[told:], [line.partition(" provider=")[0].partition("code=")[2] for line in lines]


def _expect_told(found: tuple[list[str], list[str]], code: str, what: str, fix: str) -> None:
    expect(
        found == ([code], [code]),
        f"{what} was told to observers as {found[0]}, and written to the audit log as {found[1]}; "
        f"expected is {code!r}, once in both",
        why=COUNTS,
        fix=fix,
    )


class Reports(Stage):
    """Observers, the audit log, and all other logs."""

    def test_a_login_that_succeeds_is_told_once(self) -> None:
        world = self.world()
        browser = world.browser()
        found = _told(world, browser, browser.begin())
        _expect_told(found, "ok", "a login", "call `kit.succeeded(login)` once, when the handler has answered.")

    def test_a_login_that_fails_is_told_once(self) -> None:
        world = self.world()
        browser = world.browser()
        _expect_told(
            _told(world, browser, world.provider.deny(browser.start())),
            "access_denied",
            "a login that was denied at the provider",
            "call `kit.failed(error)` in the one place that answers errors.",
        )

    def test_a_start_that_is_refused_is_told_once(self) -> None:
        world = self.world()
        _expect_told(
            _told(world, world.browser(), world.path("/nope")),
            "unknown_provider",
            "the start of an unknown login",
            "call `kit.failed(error)` for the errors of every route, not of the callback alone.",
        )

    def test_a_failure_belongs_to_its_registration(self) -> None:
        world = self.world()
        browser = world.browser()
        browser.visit(world.provider.deny(browser.start(name="second")))
        named = world.error.registration if world.error else ""
        expect(
            named == "second",
            f"a failure of a login with 'second' was told as one with {named!r}",
            why="with several ways to sign in, nobody sees which one is broken.",
            fix="report the very error that the kit raised, not one of your own.",
        )

    def test_no_secret_is_logged_or_shown(self) -> None:
        world = self.world()
        browser = world.browser()
        callback = browser.begin()
        answer = browser.visit(callback)
        tokens = [told.token.access_token.reveal() for told in world.told if isinstance(told, Login)]
        secrets = {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}
        secrets.update(zip(["access token"], tokens, strict=False))
        said = f"{answer.text}\n{world.log.text}"
        shown = sorted(name for name, secret in secrets.items() if secret in said)
        expect(
            not shown,
            f"after a login, these stand in a log or on the page: {', '.join(shown)}",
            why="logs are kept for long and read by many.",
            fix="log neither the callback's query nor its address, and no token.",
        )
