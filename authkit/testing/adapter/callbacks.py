"""The way back: ``GET /auth/{registration}/callback``, which the adapter hands to the kit unread."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from authkit.testing.adapter.browser import Browser
from authkit.testing.adapter.stage import Stage
from authkit.testing.adapter.wire import Answer
from authkit.testing.verdicts import expect

__all__ = ["Callbacks"]

RAW = "hand the kit the raw query (QUERY_STRING) and the cookies, and read neither."
FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}


def _signed_in(browser: Browser, answer: Answer) -> str:
    return f"was answered {answer.status}, and signed in {browser.me!r}"


class Callbacks(Stage):
    """The callback."""

    def test_a_login_signs_in(self) -> None:
        world = self.world()
        browser, other = world.browser(), world.browser()
        answer = browser.log_in()
        other.log_in(user=1)
        expect(
            browser.me and other.me not in ("", browser.me),
            f"a login {_signed_in(browser, answer)}; somebody else's signed in {other.me!r}",
            why="nobody can sign in, or everybody is the same person.",
            fix="remember `login.identity.key`, or the app's own id of that user, and say it at GET /me.",
        )

    def test_a_callback_in_another_browser_signs_nobody_in(self) -> None:
        world = self.world()
        attacker, victim = world.browser(), world.browser()
        callback = attacker.begin()
        answer = victim.visit(callback)
        expect(
            not victim.me and answer.is_refusal,
            f"a callback of a login that another browser began {_signed_in(victim, answer)}",
            why="an attacker signs victims in to an account of the attacker's, and reads what they do there.",
            fix="keep a transaction in the browser's cookies only, and hand the kit the cookies of this request.",
        )

    def test_a_callback_counts_once(self) -> None:
        world = self.world()
        browser = world.browser()
        callback = browser.begin()
        again = world.browser(cookies=browser.cookies)
        browser.visit(callback)
        answer = again.visit(callback)
        expect(
            not again.me and answer.is_refusal and world.exchanges == 1,
            f"the second of two same callbacks {_signed_in(again, answer)}; codes exchanged: {world.exchanges}",
            why="whoever finds a callback in a history or a log signs in with it.",
            fix="ask the kit each time; keep no answer of a callback.",
        )

    def test_a_login_may_begin_in_one_process_and_end_in_another(self) -> None:
        world = self.world()
        browser = world.browser()
        callback = browser.begin()
        other = world.browser(app=self.make_app(world.kit), cookies=browser.cookies)
        answer = other.visit(callback)
        expect(
            other.me,
            f"a callback that reached another process than the start did {_signed_in(other, answer)}",
            why="with two servers, or after a restart, logins fail by chance.",
            fix="keep nothing of a login under way: its cookie holds all of it.",
        )

    def test_two_tabs_both_finish(self) -> None:
        world = self.world()
        browser = world.browser()
        first, second = browser.begin(), browser.begin()
        statuses = [browser.visit(url).status for url in (first, second)]
        expect(
            "state_invalid" not in world.codes,
            f"of two logins in one browser, the tabs were answered {statuses}",
            why="people who open the sign-in twice are told that it has expired.",
            fix="clear the cookies that `Completed.cookies` names, and no others.",
        )

    def test_the_state_comes_before_what_the_callback_says(self) -> None:
        world = self.world()
        world.browser().get(world.path("/acme/callback"), "error=access_denied&state=unknown")
        expect(
            world.codes == ["state_invalid"],
            f"a callback with an error and a foreign state was told as {world.codes}, not as state_invalid",
            why="anybody can write errors into the log and into the counts, without a login.",
            fix=RAW,
        )

    def test_a_parameter_that_is_there_twice_is_refused(self) -> None:
        world = self.world()
        for query in ("code=another&{}", "{}&code=another"):
            browser = world.browser()
            answer = browser.get(world.path("/acme/callback"), query.format(urlsplit(browser.begin()).query))
            expect(
                answer.is_refusal and not browser.me,
                f"a callback with two codes {_signed_in(browser, answer)}",
                why="what checks one of the two, such as a firewall, is passed by with the other (RFC 6749, 3.1).",
                fix=f"{RAW} A dict of parameters has lost one of the two.",
            )

    def test_a_code_arrives_as_it_was_sent(self) -> None:
        world = self.world()
        browser, code = world.browser(), "ab+%2B&=/ *%25~" * 20
        state = world.provider.deny(browser.start()).partition("state=")[2].partition("&")[0]
        browser.get(world.path("/acme/callback"), f"state={state}&{urlencode({'code': code})}")
        sent = [recorded.form.get("code", "") for recorded in world.provider.requests if recorded.form]
        expect(
            code in sent,
            f"a code with reserved characters reached the provider as {sent[-1][:60] if sent else 'nothing'!r}",
            why="with a provider whose codes have such characters, or are long, every login fails.",
            fix=f"{RAW} Decoding it twice, or cutting it off, changes the code.",
        )

    def test_a_query_that_is_no_utf_8_is_refused(self) -> None:
        world = self.world()
        for state in ("%ff", "\xff", "%ed%a0%80", "%00", "s" * 100_000):
            answer = world.browser().get(world.path("/acme/callback"), f"code=c&state={state}")
            expect(
                400 <= answer.status < 500,
                f"a callback with the state {state[:20]!r} was answered {answer.status}",
                why="anybody can make the site fail with one address.",
                fix=RAW,
            )

    def test_cookies_that_are_garbage_are_no_cookies(self) -> None:
        world = self.world()
        for garbage in ("\xff=\xfe", '"\\377"', "a=b; ;;=; x", "sid=\xff", "__Host-authkit-=; $Version=1"):
            answer = world.browser().get(world.path("/acme"), HTTP_COOKIE=garbage)
            expect(
                not answer.is_refusal,
                f"a start with the Cookie header {garbage!r} was answered {answer.status}",
                why="one odd cookie of another program on this domain, and a visitor is locked out for good.",
                fix="skip what cannot be read in the Cookie header.",
            )

    def test_a_body_is_no_query(self) -> None:
        world = self.world()
        browser = world.browser()
        query = urlsplit(browser.begin()).query
        answer = browser.ask("GET", world.path("/acme/callback"), body=query, **FORM)
        expect(
            answer.is_refusal and not browser.me,
            f"a callback whose parameters stood in the body {_signed_in(browser, answer)}",
            why="the state that is checked and the code that is used may come from two places.",
            fix=f"{RAW} A framework's merged parameters are of no use here.",
        )

    def test_a_post_to_the_callback_is_refused(self) -> None:
        world = self.world()
        browser = world.browser()
        callback = browser.begin()
        for method in ("POST", "PUT"):
            answer = browser.visit(callback, method)
            expect(
                answer.status == 405 and not browser.me,
                f"{method} of a callback {_signed_in(browser, answer)}",
                why="a form on another site could end a login, past SameSite.",
                fix="call `authkit.adapters.require_method(method, 'GET')` first.",
            )

    def test_a_head_request_uses_nothing_up(self) -> None:
        world = self.world()
        browser = world.browser()
        callback = browser.begin()
        browser.visit(callback, "HEAD")
        expect(
            world.exchanges == 0,
            "HEAD of a callback exchanged the code",
            why="scanners of mails and links ask by HEAD first, and the visitor's own click is then the second one.",
            fix="call `authkit.adapters.require_method(method, 'GET')`; your router may take HEAD for GET by itself.",
        )

    def test_a_state_counts_for_its_own_registration_only(self) -> None:
        world = self.world()
        browser = world.browser()
        callback = browser.begin(name="second").replace("/second/callback", "/acme/callback")
        answer = browser.visit(callback)
        expect(
            answer.is_refusal and not browser.me,
            f"a callback of 'second' at the address of 'acme' {_signed_in(browser, answer)}",
            why="a provider that turned bad ends logins of another one (mix-up, RFC 9700, section 4.4).",
            fix="hand `kit.complete` the name in the path of the callback.",
        )
