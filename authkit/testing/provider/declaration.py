"""What the provider says of itself, before anybody logs in."""

from __future__ import annotations

from urllib.parse import urlsplit

from authkit.provider import OAuth2Provider, Provider
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.emulators import missing_members
from authkit.testing.provider.verdicts import explained_by, pointless, waiting, wrong
from authkit.urls import is_loopback

__all__ = ["DeclarationTests", "wait_for_provider"]

ENDPOINTS = ("authorize_url", "token_url", "userinfo_url", "revoke_url")


DECLARED = "test_the_provider_is_one_that_a_plugin_may_supply"
"""Without a provider the other tests have nothing to say, and wait for this one."""


def wait_for_provider(provider: object, test: str) -> None:
    """Skip `test` if `provider` is nothing that authkit takes for a provider: one test says so for all."""
    is_provider = isinstance(provider, (OAuth2Provider, Provider)) and not isinstance(provider, type)
    if test != DECLARED and not is_provider:
        waiting("a provider", DECLARED)


class DeclarationTests:
    """The provider as a value."""

    def test_the_provider_is_one_that_a_plugin_may_supply(self, bench: Bench) -> None:
        """`load_plugins` takes it: the name is well formed and free, and it has what a provider has."""
        if not hasattr(bench.contract, "provider"):
            wrong(
                f"{type(bench.contract).__name__} names no provider.",
                why="there is nothing to test",
                fix="write into the class: provider = acme",
            )
        problem = bench.plugins.infos[0].problem
        if problem:
            wrong(
                f"authkit refuses the provider: {problem}.",
                why="the plugin is not loaded, and the app that uses it does not start",
                fix="a provider is an OAuth2Provider, or has name, title, default_scope and client; its name is "
                "lower case, such as `acme`",
            )

    def test_the_title_is_what_people_read(self, bench: Bench) -> None:
        """There is a title, and it has no space at its ends."""
        title: object = bench.provider.title
        if not isinstance(title, str) or not title.strip() or title != title.strip():
            wrong(
                f"The title is {title!r}.",
                why="people read it after 'Continue with'",
                fix="title='Acme'",
            )

    def test_each_scope_is_one_word(self, bench: Bench) -> None:
        """The default scope is a tuple of single words (RFC 6749, section 3.3)."""
        scope: object = bench.provider.default_scope
        words = scope if isinstance(scope, tuple) else ()
        bad = [word for word in words if not isinstance(word, str) or not word or set(word) & set(" ,")]
        if not isinstance(scope, tuple) or bad:
            wrong(
                f"The default scope is {scope!r}.",
                why="a login says which scopes are missing, and compares word by word",
                fix="write a tuple with one text for each scope: default_scope=('profile', 'email')",
            )

    def test_no_endpoint_is_left_over_from_development(self, bench: Bench) -> None:
        """Every endpoint is https and on no loopback host."""
        bad = [
            f"{name}={url!r}"
            for name in ENDPOINTS
            if (url := getattr(bench.data, name)) and (is_loopback(url) or urlsplit(url).scheme != "https")
        ]
        if bad:
            wrong(
                f"An endpoint leads to this machine: {', '.join(bad)}.",
                why="the client secret would go there in every app that uses the plugin",
                fix="write the provider's address; for an emulator there are settings: authkit.acme.token_url = …",
            )

    @explained_by(
        "test_the_userinfo_function_calls_nobody_else",
        "test_the_profile_function_changes_nothing",
        "test_no_refusal_quotes_a_secret",
    )
    def test_the_emulator_can_be_made(self, bench: Bench) -> None:
        """The provider's own functions read what the emulator's user info endpoint answers."""
        made = bench.told(bench.contract.new_emulator)
        missing = missing_members(made)
        if not missing:
            return
        why = "every other test logs in at one, and what cannot be read there fails in a login too"
        if not isinstance(made, Exception):
            wrong(
                f"There is no emulator of {bench.name}: new_emulator returns one without {', '.join(missing)}.",
                why=why,
                fix="give it these, which authkit.emulator.Drivable describes",
            )
        wrong(
            f"There is no emulator of {bench.name}: {made}.",
            why=why,
            fix="correct the provider's functions; or say in the test class what its user info endpoint answers, "
            "users = [{...}], and what other addresses do that its userinfo function calls, "
            'resources = {"https://...": {...}}; or give the class a method new_emulator(self)',
        )

    @explained_by("test_the_provider_is_one_that_a_plugin_may_supply")
    def test_the_provider_can_be_registered(self, bench: Bench) -> None:
        """An app can register it, with the settings that the emulator gives."""
        made = bench.told(bench.make_kit)
        if not isinstance(made, Exception):
            return
        wrong(
            f"An app cannot register {bench.name} as its emulator says: {made}.",
            why="settings are read at start-up, so the app does not start",
            fix="the emulator's settings(origin) has to give client_id and client_secret, and check_redirect_uri to "
            "take https://app.example/auth/<name>/callback",
        )

    def test_the_endpoints_may_be_moved_by_settings(self, bench: Bench) -> None:
        """A registration's own endpoints are where requests go, user info included."""
        if not isinstance(bench.provider, OAuth2Provider):
            pointless(f"{bench.name} has no endpoints that a setting could move")
        bench.sign_in()
        moved = bench.emulator.settings("https://moved.example")
        bench.wire.forget()
        kit = bench.make_kit(**moved)
        attempt = bench.begin(kit=kit)
        outcome = bench.told(lambda: kit.complete(bench.name, bench.approve(attempt), attempt.cookies))
        elsewhere = sorted({sent.host for sent in bench.wire.to() if sent.host != "moved.example"})
        if elsewhere or isinstance(outcome, Exception):
            wrong(
                f"With its endpoints moved to https://moved.example, the login fails or goes elsewhere "
                f"({', '.join(elsewhere) or outcome}).",
                why="settings such as authkit.acme.userinfo_url point an app at an emulator or at a sandbox",
                fix="in a userinfo function ask api.userinfo_url, and other addresses relative to it",
            )
