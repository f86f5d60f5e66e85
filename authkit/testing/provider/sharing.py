"""Nothing of one login reaches another: a provider is a value."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from secrets import token_hex
from typing import Any

from authkit.models import Secret
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.verdicts import explained_by, wrong

__all__ = ["SharingTests"]

DEPTH = 6


class SharingTests:
    """Logins beside each other, and after each other."""

    @explained_by("test_a_user_keeps_their_subject")
    def test_two_interleaved_logins_do_not_mix(self, bench: Bench) -> None:
        """Two logins that overlap end as they would have alone, each with its own user and token."""
        alone = [bench.sign_in(user).identity for user in (0, 1)]
        attempts = bench.request(), bench.request()
        queries = [bench.approve(attempt, user) for user, attempt in enumerate(attempts)]
        second, first = bench.complete(attempts[1], queries[1]), bench.complete(attempts[0], queries[0])
        found = [outcome.login.identity if outcome.login else outcome.text for outcome in (first, second)]
        if found != alone:
            wrong(
                f"Two logins overlap, and end as {found}; alone they end as {alone}.",
                why="on a busy site one user is logged in as another, or nobody is",
                fix="keep nothing on the provider or its client: request and response bring all that a login needs",
            )

    @explained_by("test_two_interleaved_logins_do_not_mix")
    def test_nothing_of_a_login_is_kept(self, bench: Bench) -> None:
        """After a login, neither the provider nor its client holds a secret of it."""
        login = bench.sign_in()
        form = bench.sent("token").form
        secrets = {
            "the access token": login.token.access_token.reveal(),
            "the refresh token": login.token.refresh_token.reveal() if login.token.refresh_token else "",
            "the code": form.get("code", ""),
            "the verifier": form.get("code_verifier", ""),
        }
        texts = {*_texts(bench.provider, DEPTH), *_texts(bench.client, DEPTH)}
        kept = [name for name, secret in secrets.items() if secret in texts - {""}]
        if kept:
            wrong(
                f"After a login, the provider or its client holds {', '.join(kept)}.",
                why="both live as long as the process and serve everybody",
                fix="return what a login needs, and keep it in local variables",
            )

    @explained_by("test_each_scope_is_one_word")
    def test_a_login_changes_nothing_of_the_provider(self, bench: Bench) -> None:
        """Name, title and scopes are the same after a login that asked for more."""
        before = _declared(bench)
        bench.sign_in()
        bench.request(scope=[f"contract.{token_hex(4)}"])
        after = _declared(bench)
        if before != after:
            wrong(
                f"A login changes the provider: {before} became {after}.",
                why="what one user's login adds, the next user is asked for",
                fix="make it frozen, its scopes a tuple, and put lists together anew: (*scope, 'more')",
            )

    def test_a_login_leaves_the_environment_alone(self, bench: Bench) -> None:
        """No environment variable is set, such as OAUTHLIB_INSECURE_TRANSPORT."""
        before = dict(os.environ)
        bench.sign_in()
        changed = sorted(name for name in {*before, *os.environ} if before.get(name) != os.environ.get(name))
        if changed:
            wrong(
                f"A login sets environment variables: {', '.join(changed)}.",
                why="they hold for the whole process; OAUTHLIB_INSECURE_TRANSPORT switches TLS checks off for all",
                fix="configure what you need on your own objects; loopback addresses need no switch in authkit",
            )

    def test_nothing_goes_past_the_transport(self, bench: Bench) -> None:
        """Every request is sent through the transport that the core hands over."""
        bench.attempt()
        if bench.listening.tries:
            wrong(
                f"The provider wanted to reach the network by itself: {', '.join(bench.listening.tries)}.",
                why="only authkit's transport bounds time and size, follows no redirect and checks certificates, and "
                "only there an emulator can stand in",
                fix="mount the transport on a requests.Session, or use the `api` of a userinfo function",
            )


def _declared(bench: Bench) -> tuple[str, str, tuple[str, ...]]:
    provider = bench.provider
    return provider.name, provider.title, tuple(provider.default_scope)


def _texts(value: Any, depth: int) -> Iterator[str]:
    """Yield the texts that can be reached from `value`."""
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, str):
        yield value
    elif depth and not isinstance(value, type):
        members = (
            value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple, set)) else ()
        )
        names = {*getattr(value, "__dict__", ()), *getattr(type(value), "__slots__", ())}
        for member in (*members, *(getattr(value, name, None) for name in names)):
            yield from _texts(member, depth - 1)
