"""A provider that fails: each way once at the token endpoint and once at user info."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from authkit.errors import AuthkitError, ProviderProtocolError, ProviderRateLimited, ProviderUnavailable
from authkit.testing.provider.attempt import Outcome
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.verdicts import explained_by, pointless, wrong

__all__ = ["FaultTests"]

UNAVAILABLE = "people are told to try again only where that may help: for ProviderUnavailable"
NONSENSE = "half an answer, or a page for people, is no proof of who somebody is"
LET_THROUGH = "let the transport's errors through: catch none of them"
MOST_TRIES = 3


class FaultTests:
    """What comes of a login while the provider fails."""

    def test_a_dead_connection_is_unavailable(self, bench: Bench) -> None:
        """The connection is reset before an answer, in its headers, or in its body."""
        _each(bench, ("reset", "reset-headers", "reset-body"), ProviderUnavailable, UNAVAILABLE, LET_THROUGH)

    @explained_by("test_a_dead_connection_is_unavailable")
    def test_a_silent_provider_is_unavailable(self, bench: Bench) -> None:
        """No connection comes about, or no answer comes in time."""
        _each(bench, ("silent", "slow-connect"), ProviderUnavailable, UNAVAILABLE, LET_THROUGH)

    @explained_by("test_a_dead_connection_is_unavailable")
    def test_a_provider_that_drips_is_unavailable(self, bench: Bench) -> None:
        """The answer comes a byte a second."""
        _each(bench, ("drip", "slow-headers"), ProviderUnavailable, UNAVAILABLE, LET_THROUGH)

    @explained_by("test_a_dead_connection_is_unavailable")
    def test_a_server_error_is_unavailable(self, bench: Bench) -> None:
        """HTTP 500, 502, 503 and 504, with a page of HTML."""
        fix = "look at the status before you read the body: ProviderUnavailable from 500 on"
        _each(bench, ("500", "502", "503", "504"), ProviderUnavailable, UNAVAILABLE, fix)

    @explained_by("test_a_dead_connection_is_unavailable")
    def test_too_many_requests_are_a_rate_limit(self, bench: Bench) -> None:
        """HTTP 429 is ProviderRateLimited, whatever its Retry-After (RFC 6585, section 4)."""
        why = "the app would take it for a refusal of this user, and the operator sees no rate limit"
        for value in ("30", "abc", "99999999999"):
            _each(bench, (f"429={value}",), ProviderRateLimited, why, "raise ProviderRateLimited for HTTP 429")

    def test_a_page_instead_of_json_is_refused(self, bench: Bench) -> None:
        """HTML with status 200, also where it is said to be JSON."""
        fix = "read the body as JSON and let it fail; never go on with what you know already"
        _each(bench, ("html", "html-as-json"), ProviderProtocolError, NONSENSE, fix)

    @explained_by("test_a_page_instead_of_json_is_refused")
    def test_a_broken_answer_is_refused(self, bench: Bench) -> None:
        """No body, half a body, or one byte of it."""
        fix = "read the body as JSON and let it fail"
        _each(bench, ("empty", "truncated", "truncated=1"), ProviderProtocolError, NONSENSE, fix)

    @explained_by("test_a_page_instead_of_json_is_refused")
    def test_json_that_is_no_object_is_refused(self, bench: Bench) -> None:
        """null, a list, a text, a number, true."""
        kinds = [f"json={text}" for text in ("null", "[]", '"x"', "123", "true")]
        _each(bench, kinds, ProviderProtocolError, NONSENSE, "check that the answer is a JSON object")

    @explained_by("test_a_page_instead_of_json_is_refused")
    def test_an_answer_that_is_far_too_large_is_refused(self, bench: Bench) -> None:
        """Two megabytes, plain or compressed."""
        why = "a server that sends without end would fill the memory of the app"
        fix = "send through the transport, which stops at 1 MiB, and let its error through"
        _each(bench, ("huge=2", "gzip-bomb=2"), ProviderProtocolError, why, fix)

    @explained_by("test_a_page_instead_of_json_is_refused", "test_nothing_goes_past_the_transport")
    def test_a_redirect_is_not_followed(self, bench: Bench) -> None:
        """301, 302, 303, 307 and 308 to another host are refused, and nothing is sent there."""
        why = "the client secret or the token would go to wherever the redirect leads (RFC 9700, section 4.12)"
        fix = "send through the transport, and let its error through"
        _each(bench, ("redirect", "301", "303", "307", "308"), ProviderProtocolError, why, fix)

    @explained_by("test_a_page_instead_of_json_is_refused", "test_a_dead_connection_is_unavailable")
    def test_user_info_that_fails_is_asked_seldom(self, bench: Bench) -> None:
        """A failing user info endpoint is asked three times at most."""
        bench.sign_in()
        bench.wire.forget()
        _disturbed(bench, "userinfo", "503")
        times = len(bench.wire.to("userinfo"))
        if times > MOST_TRIES:
            wrong(
                f"While user info fails, it is asked {times} times in one login.",
                why="a provider that is overloaded is kept down by it, and the user waits",
                fix="ask once; the user can try again",
            )


def _each(bench: Bench, kinds: Sequence[str], wanted: type[AuthkitError], why: str, fix: str) -> None:
    """Disturb each endpoint in each of the ways, and see whether the login ends in the wanted error."""
    for endpoint in _endpoints(bench):
        for kind in kinds:
            outcome = _disturbed(bench, endpoint, kind)
            if not isinstance(outcome.error, wanted):
                _complain(endpoint, kind, outcome, why, fix, wanted.__name__)


def _endpoints(bench: Bench) -> Iterator[str]:
    """Yield the endpoints that a login asks."""
    bench.sign_in()
    asked = [endpoint for endpoint in ("token", "userinfo") if bench.wire.to(endpoint)]
    yield from asked or pointless("the emulator has no endpoint that is called token or userinfo")


def _disturbed(bench: Bench, endpoint: str, kind: str) -> Outcome:
    with bench.disturbed(f"{endpoint}:{kind}:always"):
        return bench.attempt()


def _complain(endpoint: str, kind: str, outcome: Outcome, why: str, fix: str, wanted: str) -> None:
    wrong(
        f"With the fault {kind!r} at the {endpoint} endpoint, this comes of a login: {outcome.text}. "
        f"It has to be {wanted}.",
        why=why,
        fix=fix,
    )
