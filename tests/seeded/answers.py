"""Clients that read answers wrongly."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from authkit import Secret, errors
from seeded.by_hand import SERVER, AcmeClient
from seeded.defect import Clients

client = Clients()


@client("A dict comes out instead of a token.", "test_a_login_succeeds")
class ADict(AcmeClient):
    def exchange(self, response):
        super().exchange(response)
        return {"access_token": "a", "scope": "profile"}


@client("The end of a token has no time zone.", "test_a_token_ends_when_the_provider_says")
class WithoutZone(AcmeClient):
    def read_expiry(self, data):
        ends_at = super().read_expiry(data)
        return ends_at and ends_at.replace(tzinfo=None)


@client(
    "Scopes with commas are split at blanks.",
    "test_what_was_granted_is_read_word_by_word",
    server=replace(SERVER, scope_separator=","),
)
class SplitAtBlanks(AcmeClient):
    def parameters(self, request):
        return {**super().parameters(request), "scope": ",".join(request.scope)}

    def read_scope(self, data, otherwise):
        return tuple(data["scope"].split()) if "scope" in data else otherwise


@client("The refresh token is overlooked.", "test_a_token_is_what_the_provider_issued")
class NoRefreshToken(AcmeClient):
    def read_refresh_token(self, data, old):
        return None


@client("What was asked for counts as granted.", "test_what_the_user_unticked_is_missing")
class AllGranted(AcmeClient):
    def read_scope(self, data, otherwise):
        return otherwise


@client("A login with fewer scopes is an error.", "test_a_login_with_fewer_scopes_still_succeeds")
class AllOrNothing(AcmeClient):
    def exchange(self, response):
        token = super().exchange(response)
        if set(token.scope) != set(response.scope):
            raise errors.ScopeMissing("not everything was granted")
        return token


@client("Where the answer names no scope, there is none.", "test_a_scope_that_is_not_named_counts_as_granted")
class NoneNamed(AcmeClient):
    def read_scope(self, data, otherwise):
        return tuple(data.get("scope", "").split())

    def refresh(self, token):
        fresh = super().refresh(token)
        return replace(fresh, scope=fresh.scope or token.scope)


@client("An access token may be missing.", "test_an_answer_without_access_token_is_refused")
class MayBeMissing(AcmeClient):
    def read_access_token(self, data):
        return Secret("none") if "access_token" not in data else super().read_access_token(data)


@client("Whatever the access token is, it becomes text.", "test_an_access_token_is_text")
class BecomesText(AcmeClient):
    def read_access_token(self, data):
        if "access_token" not in data:
            return super().read_access_token(data)
        return Secret(str(data["access_token"]))


@client("Whatever the refresh token is, it is kept.", "test_members_of_wrong_types_are_not_used")
class KeptAsItIs(AcmeClient):
    def read_refresh_token(self, data, old):
        return Secret(data["refresh_token"]) if data.get("refresh_token") else super().read_refresh_token(data, old)


@client("The token type is not looked at.", "test_a_token_of_another_type_is_refused")
class AnyType(AcmeClient):
    def read_token(self, data, scope, old=None):
        return super().read_token({**data, "token_type": "Bearer"}, scope, old)


@client("A token answer has to say when the token ends.", "test_an_expiry_that_is_missing_or_odd_costs_nothing")
class MustEnd(AcmeClient):
    def read_expiry(self, data):
        return datetime.now(timezone.utc) + timedelta(seconds=data["expires_in"])


@client("The body is read as JSON whatever the status is.", "test_a_server_error_is_unavailable")
class StatusIgnored(AcmeClient):
    def look_at_status(self, response):
        if response.status_code == 429:
            super().look_at_status(response)
        response.json() if response.content else None


@client("HTTP 429 is a refusal like any other.", "test_too_many_requests_are_a_rate_limit")
class NoRateLimit(AcmeClient):
    def look_at_status(self, response):
        if response.status_code != 429:
            super().look_at_status(response)


@client("An error with status 200 is not looked for.", "test_an_error_with_status_200_is_an_error")
class StatusOnly(AcmeClient):
    def read(self, response):
        if response.status_code != 200:
            return super().read(response)
        return response.json()


DEFECTS = tuple(client.found)
