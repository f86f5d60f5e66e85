"""Proof Key for Code Exchange in the authorization request (RFC 7636)."""

from __future__ import annotations

from authkit import pkce
from authkit.models import Secret
from authkit.providerclient import AuthorizationRequest
from authkit.testing.provider.attempt import Attempt
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.verdicts import explained_by, wrong

__all__ = ["ChallengeTests"]

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""The verifier of RFC 7636, appendix B."""


class ChallengeTests:
    """The code challenge."""

    def test_a_challenge_comes_with_its_method(self, bench: Bench) -> None:
        """There is a code_challenge, or neither it nor a method (RFC 7636, section 4.3)."""
        query = bench.request().query
        if not query.get("code_challenge") and "code_challenge_method" not in query:
            bench.lacks("pkce", f"{bench.name} sends no code_challenge")
        if not query.get("code_challenge"):
            wrong(
                "The authorization request has a code_challenge_method and no code_challenge.",
                why="the server takes the login for one without PKCE, and a stolen code can be exchanged "
                "(RFC 7636, section 4.3)",
                fix="send the challenge as the parameter `code_challenge`",
            )

    def test_the_challenge_method_is_s256(self, bench: Bench) -> None:
        """The method is S256 (RFC 7636, section 4.2)."""
        method = _with_challenge(bench).query.get("code_challenge_method")
        if method != "S256":
            wrong(
                f"The code_challenge_method is {method!r}.",
                why="left out or `plain`, whoever reads the request can exchange the code (RFC 9700, section 2.1.1)",
                fix="send code_challenge_method=S256",
            )

    def test_the_verifier_is_not_in_the_browser(self, bench: Bench) -> None:
        """The code verifier is nowhere in the authorization URL."""
        attempt = bench.request()
        if attempt.verifier in attempt.url:
            wrong(
                "The PKCE verifier is in the authorization URL.",
                why="whoever steals the code has seen the verifier as well, so it proves nothing "
                "(RFC 7636, section 7.2)",
                fix="send its SHA-256, pkce.s256(verifier), as the challenge",
            )

    def test_each_login_has_a_challenge_of_its_own(self, bench: Bench) -> None:
        """Two logins have two challenges."""
        first, second = _with_challenge(bench), _with_challenge(bench)
        if first.query["code_challenge"] == second.query["code_challenge"]:
            wrong(
                "Two logins have the same code_challenge.",
                why="the verifier of one login exchanges the code of another (RFC 7636, section 4.1)",
                fix="make the challenge from the verifier that the core hands over, each time",
            )

    @explained_by("test_the_verifier_is_not_in_the_browser", "test_each_login_has_a_challenge_of_its_own")
    def test_the_challenge_is_made_as_the_provider_documents(self, bench: Bench) -> None:
        """It is the SHA-256 of the verifier, base64url without padding, or what the class's `challenge` says."""
        _with_challenge(bench)
        wanted = bench.contract.challenge or pkce.s256(VERIFIER)
        request = AuthorizationRequest(
            client_id=bench.client_id,
            redirect_uri="https://app.example/back",
            scope=tuple(bench.provider.default_scope),
            state="state",
            code_verifier=Secret(VERIFIER),
        )
        found = dict(bench.parameters(bench.client.authorization_url(request))).get("code_challenge")
        if found != wanted:
            wrong(
                f"The challenge of the verifier in RFC 7636, appendix B, is {found!r}, not {wanted!r}.",
                why="the provider refuses every code, or does not check the verifier (RFC 7636, section 4.2)",
                fix="use pkce.s256: base64url, no '=' at the end. If the provider wants something else, say so with "
                "an example of its documentation: challenge = '…' in the test class",
            )


def _with_challenge(bench: Bench) -> Attempt:
    """Return a login whose authorization request has a challenge."""
    attempt = bench.request()
    if not attempt.query.get("code_challenge"):
        bench.lacks("pkce", f"{bench.name} sends no code_challenge")
    return attempt
