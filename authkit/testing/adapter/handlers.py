"""The login handler: the app's own decision on a login, and what becomes of its failures."""

from __future__ import annotations

from authkit import Login
from authkit.errors import AccountDenied
from authkit.testing.adapter.browser import Browser
from authkit.testing.adapter.stage import Stage
from authkit.testing.verdicts import expect

__all__ = ["Handlers"]


def _deny(_: Login) -> None:
    raise AccountDenied("not on the list")


def _crash(_: Login) -> None:
    raise RuntimeError("the database is away")


class Handlers(Stage):
    """What the app says of a login."""

    def _visited(self, browser: Browser) -> None:
        """Let a browser have a session from before, if the application has any."""
        if self.sessions != "none":
            browser.world.content(browser, "cart=shoes")

    def test_the_handler_gets_each_login_once(self) -> None:
        logins: list[Login] = []
        world = self.world(on_login=logins.append)
        world.browser().log_in()
        got = [(login.registration, login.identity.subject) for login in logins]
        expect(
            got == [("acme", "ada-1")],
            f"after one login, the login handler had got {got}",
            why="what the handler does happens twice, or for the wrong person, or not at all.",
            fix="call the app's handler once with `Completed.login`.",
        )

    def test_what_the_handler_refuses_is_told_as_the_handler_said(self) -> None:
        world = self.world(on_login=_deny)
        answer = world.browser().log_in()
        expect(
            answer.is_refusal and world.codes[-1:] == ["account_denied"],
            f"a handler that raised AccountDenied was answered {answer.status}, and told as {world.codes}",
            why="people who are refused are told that the site is broken, and try again and again.",
            fix="let an AuthkitError of the handler through as it is.",
        )

    def test_whom_the_handler_refuses_is_not_signed_in(self) -> None:
        world = self.world(on_login=_deny)
        browser = world.browser()
        self._visited(browser)
        browser.log_in()
        expect(
            not browser.me,
            f"a handler that raised AccountDenied left {browser.me!r} signed in",
            why="blocked people are let in.",
            fix="sign in only once the handler has answered; undo what it did to the session if it raises.",
        )

    def test_a_handler_that_crashes_is_an_error_page_with_503(self) -> None:
        world = self.world(on_login=_crash)
        answer = world.browser().log_in()
        expect(
            answer.status == 503,
            f"a handler that raised RuntimeError was answered {answer.status}, not 503",
            why="the visitor sees the framework's own error, and no reference leads from there to the log.",
            fix="catch Exception around the handler; raise `authkit.adapters.handler_failure(login, exc, logger)`.",
        )

    def test_a_handler_that_crashes_signs_nobody_in(self) -> None:
        world = self.world(on_login=_crash)
        browser = world.browser()
        self._visited(browser)
        browser.log_in()
        expect(
            not browser.me,
            f"a handler that raised RuntimeError left {browser.me!r} signed in",
            why="half a login gets in: a user whom the app does not know, or should have refused.",
            fix="sign in only once the handler has answered; undo what it did to the session if it raises.",
        )

    def test_a_handler_that_crashes_leaves_the_session_as_it_was(self) -> None:
        world = self.world_with_sessions(on_login=_crash)
        browser = world.browser()
        before = world.content(browser, "cart=shoes")
        browser.log_in()
        expect(
            world.content(browser) == before,
            f"a handler that raised RuntimeError made of the session {before} this: {world.content(browser)}",
            why="a fault of the database costs people what they had before they signed in.",
            fix="end the old session only once the handler has answered, or put its content back.",
        )

    def test_a_handler_that_crashes_is_told_as_a_failure_and_not_as_a_success(self) -> None:
        world = self.world(on_login=_crash)
        world.browser().log_in()
        expect(
            world.codes[-1:] == ["store_unavailable"] and "ok" not in world.codes,
            f"a handler that raised RuntimeError was told to observers as {world.codes}",
            why="people who did not get in count as signed in.",
            fix="call `kit.succeeded(login)` only once the handler has answered.",
        )

    def test_a_handler_that_crashes_leaves_no_token_in_the_log(self) -> None:
        tokens: list[str] = []

        def crash(login: Login) -> None:
            tokens.append(login.token.access_token.reveal())
            raise RuntimeError(f"cannot store {tokens[0]}")

        world = self.world(on_login=crash)
        world.browser().log_in()
        expect(
            not [token for token in tokens if token in world.log.text],
            "a handler that raised with the access token in its message left the token in the log",
            why="logs are kept for long and read by many; the token opens the visitor's account at the provider.",
            fix="log by `authkit.adapters.handler_failure(login, exc, logger)`, which takes the tokens out.",
        )
