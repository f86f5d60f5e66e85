"""The authorization request: what the browser carries to the provider (RFC 6749, section 4.1.1)."""

from __future__ import annotations

from collections import Counter

from authkit.testing.provider.bench import Bench
from authkit.testing.provider.setup import SECOND
from authkit.testing.provider.verdicts import explained_by, wrong

__all__ = ["AuthorizationTests"]

EXTRA = "contract.extra"


class AuthorizationTests:
    """The address that `ProviderClient.authorization_url` returns."""

    def test_a_login_can_begin(self, bench: Bench) -> None:
        """`AuthKit.begin` gets an https address."""
        begun = bench.told(bench.begin)
        if not isinstance(begun, Exception):
            return
        wrong(
            f"No login can begin: {begun}.",
            why="the button 'Continue with' ends in an error",
            fix="authorization_url(request) returns the whole address as a text, https and percent-encoded",
        )

    def test_the_authorization_url_has_one_query(self, bench: Bench) -> None:
        """The parameters stand in the query, behind one question mark, and there is no fragment."""
        url = bench.request().url
        if url.count("?") != 1 or "#" in url:
            wrong(
                f"The authorization URL has {url.count('?')} question marks"
                f"{' and a fragment' if '#' in url else ''}: {url.partition('?')[0]}?…",
                why="a server reads what is behind a second '?' as part of the value before it, and never sees a "
                "fragment (RFC 6749, section 3.1)",
                fix="add parameters with '&' if the endpoint has a query of its own",
            )

    @explained_by("test_the_authorization_url_has_one_query")
    def test_no_parameter_is_there_twice(self, bench: Bench) -> None:
        """Each parameter of the request is there once (RFC 6749, section 3.1)."""
        repeated = sorted(
            name for name, times in Counter(name for name, _ in bench.request().pairs).items() if times > 1
        )
        if repeated:
            wrong(
                f"A parameter of the authorization request is there twice: {', '.join(repeated)}.",
                why="servers refuse it, or two of them read two different values (RFC 6749, section 3.1)",
                fix="send each once",
            )

    @explained_by("test_the_authorization_url_has_one_query")
    def test_the_client_id_is_the_registration_s(self, bench: Bench) -> None:
        """The client id that the app was configured with is in the request."""
        if bench.client_id not in bench.request().query.values():
            wrong(
                "The authorization request does not have the registration's client id.",
                why="the provider does not know which app asks, or takes it for another one",
                fix="send request.client_id under the provider's name for it: client_id_param='client_key'",
            )

    def test_the_response_type_is_code(self, bench: Bench) -> None:
        """A code comes back through the browser, never a token (RFC 9700, section 2.1.2)."""
        found = bench.request().query.get("response_type")
        if found != "code":
            wrong(
                f"The response_type is {found!r}.",
                why="a token in an address leaks through history, logs and Referer (RFC 9700, section 2.1.2)",
                fix="send response_type=code",
            )

    def test_the_state_is_the_core_s(self, bench: Bench) -> None:
        """The state that the core made is sent as it is."""
        attempt = bench.request()
        if attempt.query.get("state") != attempt.state:
            wrong(
                "The authorization request does not have the state that the core made.",
                why="without it the callback cannot be matched with the browser that began the login, and anybody "
                "can log somebody else in (RFC 6749, section 10.12)",
                fix="send request.state as the parameter `state`, unchanged",
            )

    def test_the_redirect_uri_is_the_registration_s(self, bench: Bench) -> None:
        """The redirect URI is sent byte for byte, and encoded once."""
        attempt = bench.request()
        if attempt.query.get("redirect_uri") != attempt.redirect_uri:
            wrong(
                f"The redirect_uri is {attempt.query.get('redirect_uri')!r}, not {attempt.redirect_uri!r}.",
                why="providers compare it with what is registered, character by character (RFC 9700, section 4.1.3)",
                fix="send request.redirect_uri, and encode the query once, with urllib.parse.urlencode",
            )

    @explained_by(
        "test_the_redirect_uri_is_the_registration_s",
        "test_the_authorization_url_has_one_query",
        "test_each_registration_has_a_redirect_uri_of_its_own",
    )
    def test_a_redirect_uri_with_a_query_is_encoded(self, bench: Bench) -> None:
        """A redirect URI that has '?' and '&' itself arrives whole."""
        attempt = bench.request(redirect_uri="https://app.example/back?tenant=1&lang=de")
        if attempt.query.get("redirect_uri") != attempt.redirect_uri:
            wrong(
                f"The redirect URI {attempt.redirect_uri!r} arrives as {attempt.query.get('redirect_uri')!r}.",
                why="what is not encoded breaks the request apart, and a stranger's value could add parameters",
                fix="build the query with urllib.parse.urlencode, not with an f-string",
            )

    def test_each_registration_has_a_redirect_uri_of_its_own(self, bench: Bench) -> None:
        """Two registrations of one provider are told apart by their redirect URIs (RFC 9700, section 4.4)."""
        first, second = bench.request(), bench.request(name=SECOND)
        sent = [attempt.query.get("redirect_uri") for attempt in (first, second)]
        if sent[0] == first.redirect_uri and sent[1] != second.redirect_uri:
            wrong(
                f"The second registration sends the redirect URI {sent[1]!r}, not its own.",
                why="callbacks of two registrations get mixed up (RFC 9700, section 4.4)",
                fix="keep nothing of a registration on the provider; client(...) makes a client for each",
            )

    @explained_by("test_the_authorization_url_has_one_query", "test_no_parameter_is_there_twice")
    def test_the_scope_is_what_is_asked_for(self, bench: Bench) -> None:
        """An app that asks for more than the default gets it sent."""
        attempt = bench.request(scope=[EXTRA])
        if EXTRA not in attempt.query.get("scope", ""):
            wrong(
                "The app asked for a scope besides the default, and it was not sent.",
                why="authkit.acme.scope, and a second consent for missing scopes, have no effect",
                fix="send request.scope, not the provider's default_scope",
            )

    @explained_by("test_the_scope_is_what_is_asked_for", "test_each_scope_is_one_word")
    def test_the_scopes_stand_apart(self, bench: Bench) -> None:
        """Between two scopes is one blank (RFC 6749, section 3.3), or what the provider says."""
        separator = getattr(bench.provider, "scope_separator", "")
        sent = bench.request(scope=[EXTRA]).query.get("scope", "")
        wanted = list(bench.registration.scope_with([EXTRA]))
        if not any(sent.split(between) == wanted for between in ([separator] if separator else [" ", ","])):
            wrong(
                f"The scopes {wanted} are sent as {sent!r}.",
                why="the provider takes them for one scope that it does not know (RFC 6749, section 3.3)",
                fix="join request.scope with a blank, or with the comma that the provider documents, and encode once",
            )

    def test_a_prompt_adds_its_parameters_only(self, bench: Bench) -> None:
        """Each prompt that the provider knows adds parameters, and changes none of the others."""
        prompts = bench.registration.prompts
        if not prompts:
            bench.lacks("prompt", f"{bench.name} knows no prompt")
        for prompt in prompts:
            plain, prompted = bench.request(), bench.request(prompt=prompt)
            if Counter(name for name, _ in prompted.pairs) - Counter(plain.query.keys()) != Counter(
                prompts[prompt].keys()
            ) or len(prompted.query) != len(prompted.pairs):
                wrong(
                    f"The prompt {prompt!r} gives the authorization request a parameter that it has already.",
                    why="a parameter that is there twice is refused (RFC 6749, section 3.1), or overrides the core's",
                    fix="let `prompts` name parameters of the provider's own only, such as {'consent': "
                    "{'prompt': 'consent'}}",
                )

    def test_the_client_secret_is_not_in_the_browser(self, bench: Bench) -> None:
        """The client secret is nowhere in the authorization URL."""
        secret = bench.client_secret
        if secret in bench.request().url:
            wrong(
                "The client secret is in the authorization URL.",
                why="everybody who logs in can read it, and impersonate the app (RFC 6749, section 2.3.1)",
                fix="send it in the token request only",
            )
