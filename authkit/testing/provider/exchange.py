"""The token request: how the code becomes a token (RFC 6749, section 4.1.3)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from authkit.testing.provider.attempt import Attempt
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.verdicts import explained_by, waiting, wrong
from authkit.testing.provider.wire import Sent

__all__ = ["ExchangeTests"]

ODD_CODE = "4/0A+b%2Bc&d=e f*g%2F"
"""A code with whatever a code may have (RFC 6749, appendix A.11): encoded twice, or decoded twice, it is another."""


class ExchangeTests:
    """The request that `ProviderClient.exchange` sends; each test looks at one member of it."""

    def test_the_token_request_is_a_form_sent_by_post(self, bench: Bench) -> None:
        """It is a POST with a form in its body."""
        sent = _exchange(bench)[1]
        if sent.method != "POST" or not sent.form:
            wrong(
                f"The token request is a {sent.method} with a body of type {sent.headers.get('content-type')!r}.",
                why="servers refuse it; and what is in an address is logged (RFC 6749, section 3.2)",
                fix="POST the parameters as a form: session.post(url, data={...})",
            )

    @explained_by("test_the_token_request_is_a_form_sent_by_post")
    def test_the_grant_type_is_authorization_code(self, bench: Bench) -> None:
        """grant_type=authorization_code."""
        found = _exchange(bench)[1].form.get("grant_type")
        if found != "authorization_code":
            wrong(
                f"The grant_type of the token request is {found!r}.",
                why="the server does not know what is asked of it (RFC 6749, section 4.1.3)",
                fix="send grant_type=authorization_code",
            )

    @explained_by("test_the_token_request_is_a_form_sent_by_post")
    def test_the_code_is_in_the_token_request(self, bench: Bench) -> None:
        """The parameter `code` is there."""
        if not _exchange(bench)[1].form.get("code"):
            wrong(
                "The token request has no parameter `code`.",
                why="the code is what is exchanged (RFC 6749, section 4.1.3)",
                fix="send response.params['code'] as the parameter `code`",
            )

    @explained_by("test_the_code_is_in_the_token_request", "test_the_token_request_is_a_form_sent_by_post")
    def test_a_code_with_odd_characters_arrives_as_it_is(self, bench: Bench) -> None:
        """A code with '+', '%2B', '&', '=' and '*' is encoded once (RFC 6749, appendix B)."""
        bench.come_back(bench.request(), code=ODD_CODE)
        found = _first_token_request(bench).form.get("code")
        if found != ODD_CODE:
            wrong(
                f"The code {ODD_CODE!r} arrives at the token endpoint as {found!r}.",
                why="a code with such characters is refused, for some users and not for others",
                fix="response.params is decoded already: send the code as it is, and let the form encode it once",
            )

    @explained_by("test_the_token_request_is_a_form_sent_by_post")
    def test_the_redirect_uri_is_the_same_in_both_requests(self, bench: Bench) -> None:
        """The token request repeats the redirect URI byte for byte."""
        attempt, sent = _exchange(bench)
        if sent.form.get("redirect_uri") != attempt.redirect_uri:
            wrong(
                f"The token request has the redirect_uri {sent.form.get('redirect_uri')!r}, "
                f"the authorization request {attempt.redirect_uri!r}.",
                why="the code is bound to it, and is refused (RFC 6749, section 4.1.3)",
                fix="send response.redirect_uri",
            )

    @explained_by("test_the_token_request_is_a_form_sent_by_post", "test_two_interleaved_logins_do_not_mix")
    def test_the_verifier_is_in_the_token_request(self, bench: Bench) -> None:
        """The PKCE verifier of this login is there, if there was a challenge (RFC 7636, section 4.5)."""
        attempt, sent = _exchange(bench)
        if not attempt.query.get("code_challenge"):
            bench.lacks("pkce", f"{bench.name} sends no code_challenge")
        if sent.form.get("code_verifier") != attempt.verifier:
            wrong(
                "The token request does not have the PKCE verifier of its login.",
                why="the server refuses the code, or a stolen one is good for anybody (RFC 7636, section 4.5)",
                fix="send response.code_verifier.reveal() as `code_verifier`",
            )

    @explained_by("test_the_token_request_is_a_form_sent_by_post")
    def test_the_token_request_says_which_app_asks(self, bench: Bench) -> None:
        """Client id and secret are there, by HTTP Basic or in the form (RFC 6749, section 2.3.1)."""
        secret, sent = bench.client_secret, _exchange(bench)[1]
        in_form = secret in sent.form.values() and bench.client_id in sent.form.values()
        if sent.basic != (bench.client_id, secret) and not in_form:
            wrong(
                "The token request lacks the client id or the client secret.",
                why="the server answers invalid_client (RFC 6749, section 5.2)",
                fix="send both by HTTP Basic, or both in the form, as the provider documents",
            )

    @explained_by("test_the_token_request_says_which_app_asks")
    def test_the_client_secret_is_sent_in_one_way(self, bench: Bench) -> None:
        """Not by HTTP Basic and in the form at once (RFC 6749, section 2.3)."""
        secret, sent = bench.client_secret, _exchange(bench)[1]
        if sent.basic and secret in sent.form.values():
            wrong(
                "The client secret is in the Authorization header and in the form.",
                why="a client uses one way in a request; servers answer invalid_request (RFC 6749, section 2.3)",
                fix="choose the way that the provider documents",
            )

    @explained_by(
        "test_the_token_request_says_which_app_asks",
        "test_the_client_id_is_the_registration_s",
        "test_the_client_secret_is_sent_in_one_way",
    )
    def test_odd_credentials_arrive_as_they_are(self, bench: Bench) -> None:
        """An id and a secret with ':', '%', '+' and '&' are form-encoded once (RFC 6749, section 2.3.1)."""
        bench.client_secret  # noqa: B018 - skips where there is none
        odd = "s+cr%41t:&/=", "id+1%41&x"
        bench.request()
        kit = bench.make_kit(client_secret=odd[0], **{_word(bench): odd[1]})
        bench.wire.forget()
        attempt = bench.told(lambda: bench.begin(kit=kit))  # a server that is pushed to refuses them at once
        if isinstance(attempt, Attempt):
            query = urlencode({**bench.constants, "code": "c", "state": attempt.state})
            bench.told(lambda: kit.complete(bench.name, query, attempt.cookies))
        sent = next((sent for sent in bench.wire.to() if sent.method == "POST"), None)
        sent = sent or waiting("a token request", "test_a_login_succeeds")
        if sent.basic != odd[::-1] and not set(odd) <= set(sent.form.values()):
            wrong(
                f"The client id {odd[1]!r} or the secret {odd[0]!r} arrives as something else.",
                why="an app whose secret has such a character cannot log anybody in (RFC 6749, section 2.3.1)",
                fix="form-encode both before HTTP Basic joins them; in a form, encode the body with urlencode",
            )

    def test_no_secret_is_in_an_address(self, bench: Bench) -> None:
        """Neither client secret, code, verifier nor refresh token is in the URL of a request."""
        secret = bench.settings.get("client_secret", "")
        attempt, sent = _exchange(bench)
        values = {value for _, value in parse_qsl(urlsplit(sent.url).query)}
        held = values & {secret, attempt.verifier, *filter(None, [sent.form.get("code")])} - {""}
        if held and sent.method == "POST" and sent.form:
            wrong(
                "The address of the token request holds a secret.",
                why="addresses are written to logs on the way (RFC 6749, section 2.3.1)",
                fix="put it into the form",
            )

    def test_a_code_is_sent_once(self, bench: Bench) -> None:
        """If the answer is lost, the code is not sent again (RFC 6749, section 4.1.2)."""
        with bench.disturbed("token:reset"):
            bench.attempt()
        times = len(bench.wire.to("token"))
        if times > 1:
            wrong(
                f"The code was sent {times} times, because the first answer was lost.",
                why="a code is used once; used again, the server revokes what was issued (RFC 6749, section 4.1.2)",
                fix="do not try again: the user can",
            )


def _exchange(bench: Bench) -> tuple[Attempt, Sent]:
    """Return a login and its token request, whatever the server said to it."""
    outcome = bench.attempt()
    found = bench.wire.to("token")
    if not found:  # the server did not get that far, but the client can be made to
        bench.come_back(attempt := bench.request(), code="a-code")
        return attempt, _first_token_request(bench)
    return outcome.attempt, found[0]


def _first_token_request(bench: Bench) -> Sent:
    return next(iter(bench.wire.to("token")), None) or waiting("a token request", "test_a_login_succeeds")


def _word(bench: Bench) -> str:
    """Return what the settings call the client id."""
    return "client_id" if "client_id" in bench.settings else bench.data.client_id_param
