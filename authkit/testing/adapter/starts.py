"""How a login begins: ``GET /auth/{registration}``."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from authkit.testing.adapter.stage import Stage
from authkit.testing.verdicts import expect

__all__ = ["Starts"]

NAVIGATION = {"HTTP_SEC_FETCH_MODE": "navigate", "HTTP_SEC_FETCH_DEST": "document"}
FORCED = "another site could start logins behind a visitor's back, and fill the browser with their cookies."
NAVIGATE = "call `authkit.adapters.require_navigation` with Sec-Fetch-Mode and Sec-Fetch-Dest before `kit.begin`."


class Starts(Stage):
    """The start of a login."""

    def test_a_start_leads_to_the_provider_with_one_cookie(self) -> None:
        world = self.world()
        answer = world.browser().get(world.path("/acme"))
        expect(
            answer.location.startswith("https://acme.example/oauth/authorize?") and len(answer.transactions) == 1,
            f"the start was answered {answer.status}, Location {answer.location[:60]!r}, "
            f"with {len(answer.transactions)} cookies for the transaction",
            why="nobody can sign in.",
            fix="answer a redirect to `kit.begin(...).url`, with a Set-Cookie header for each of its `cookies`.",
        )

    def test_a_start_is_a_redirect_that_is_followed_by_get(self) -> None:
        world = self.world()
        status = world.browser().get(world.path("/acme")).status
        expect(
            status in (302, 303),
            f"the start was answered {status}, not 302 or 303",
            why="301 and 308 are kept by browsers, with the state in them; 307 repeats the method and the body.",
            fix="redirect with 302.",
        )

    def test_a_start_tells_nobody_of_success_or_failure(self) -> None:
        world = self.world()
        world.browser().start()
        expect(
            world.codes == [] and world.log.audit == [],
            f"after a start, observers were told {world.codes} and the audit log has {len(world.log.audit)} lines",
            why="whoever counts logins counts the ones that are given up, or all of them twice.",
            fix="call `kit.succeeded` and `kit.failed` once a login has ended, not when it begins.",
        )

    def test_a_start_by_a_link_of_another_site_works(self) -> None:
        world = self.world()
        answer = world.browser().get(world.path("/acme"), HTTP_SEC_FETCH_SITE="cross-site", **NAVIGATION)
        expect(
            not answer.is_refusal,
            f"a link on another site was refused with {answer.status}",
            why="people come from mails and from other sites, and find the button broken.",
            fix="let Sec-Fetch-Site alone at the start; only mode and destination matter.",
        )

    def test_a_start_by_a_script_or_an_image_is_refused(self) -> None:
        world = self.world()
        for mode in ("cors", "no-cors", "same-origin", "websocket", ""):
            answer = world.browser().get(world.path("/acme"), HTTP_SEC_FETCH_MODE=mode)
            expect(
                answer.is_refusal and not answer.transactions,
                f"a start with Sec-Fetch-Mode {mode!r} was answered {answer.status}",
                why=FORCED,
                fix=NAVIGATE,
            )

    def test_a_start_in_a_frame_is_refused(self) -> None:
        world = self.world()
        for destination in ("iframe", "frame", "embed", "object"):
            given = {**NAVIGATION, "HTTP_SEC_FETCH_DEST": destination}
            answer = world.browser().get(world.path("/acme"), **given)
            expect(
                answer.is_refusal and not answer.transactions,
                f"a start with Sec-Fetch-Dest {destination!r} was answered {answer.status}",
                why=FORCED,
                fix=NAVIGATE,
            )

    def test_a_head_request_begins_nothing(self) -> None:
        world = self.world()
        answer = world.browser().ask("HEAD", world.path("/acme"))
        expect(
            answer.status == 405 and not answer.transactions,
            f"HEAD of the start was answered {answer.status} with {len(answer.transactions)} cookies",
            why="link checkers and previews ask by HEAD; each would leave a login that nobody wants.",
            fix="call `authkit.adapters.require_method(method, 'GET')`; your router may take HEAD for GET by itself.",
        )

    def test_a_post_begins_nothing(self) -> None:
        world = self.world()
        for method in ("POST", "PUT", "DELETE"):
            answer = world.browser().ask(method, world.path("/acme"))
            expect(
                answer.status == 405 and not answer.transactions,
                f"{method} of the start was answered {answer.status} with {len(answer.transactions)} cookies",
                why="a form on another site could start a login, past the checks that a link has to pass.",
                fix="call `authkit.adapters.require_method(method, 'GET')` first.",
            )

    def test_the_visitor_s_parameters_do_not_steer_the_login(self) -> None:
        world = self.world()
        steering = {
            "scope": "everything",
            "prompt": "consent",
            "redirect_uri": "https://evil.example/",
            "client_id": "x",
            "purpose": "link",
            "response_type": "token",
        }
        browser = world.browser()
        plain, steered = (parse_qs(urlsplit(browser.start(query)).query) for query in ("", urlencode(steering)))
        changed = [name for name in steered if name not in ("state", "code_challenge", "nonce")]
        changed = [name for name in changed if steered[name] != plain.get(name)]
        expect(
            not changed,
            f"the query of the start changed these parameters of the authorization request: {', '.join(changed)}",
            why="a link could ask for more than the site does, or send the code to somebody else.",
            fix="hand `kit.begin` the name and `return_to`, and nothing else of the request.",
        )

    def test_unfinished_logins_leave_at_most_ten_cookies(self) -> None:
        world = self.world()
        browser = world.browser()
        for _ in range(14):
            browser.start()
        kept = [name for name in browser.cookies if "authkit-" in name]
        expect(
            len(kept) <= 10,
            f"14 starts left {len(kept)} cookies in the browser",
            why="the Cookie header grows until servers refuse it, and the whole site is closed to this visitor.",
            fix="hand the request's cookies to `kit.begin(cookies=…)`, and send every cookie that it returns, "
            "each in a Set-Cookie header of its own.",
        )

    def test_a_login_begins_with_each_registration(self) -> None:
        world = self.world()
        browser = world.browser()
        browser.log_in(name="second")
        told = {login.registration for login in world.told}
        expect(
            browser.me and told == {"second"},
            f"a login with the registration 'second' was told as one with {told}, and signed in {browser.me!r}",
            why="a site with two registrations signs people in with the wrong one.",
            fix="pass on the name in the path, at the start as in the callback.",
        )

    def test_the_sign_in_page_has_a_button_per_registration_that_keeps_the_return_to(self) -> None:
        world = self.world()
        answer = world.browser().get(world.path("/"), "return_to=/inbox")
        links = [world.kit.site.start_path(name, "/inbox") for name in world.kit.registrations]
        missing = [link for link in links if link not in answer.text]
        expect(
            answer.status == 200 and not missing,
            f"GET {world.path('/')}?return_to=/inbox was answered {answer.status}, without a link to {missing}",
            why="people cannot choose how to sign in, or do not come back to where they were.",
            fix="answer `Pages(kit).sign_in(return_to)`, with `authkit.adapters.return_to(query)`.",
        )
