"""Continue with GitHub: "Authorizing OAuth apps" and the REST API's pages "Users" and "Emails" of GitHub Docs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from authkit import Api, Emulator, OAuth2Provider, Profile, Refusal, Token, errors, hookimpl, read_refusal

MEANINGS = {
    "application_suspended": errors.ProviderMisconfigured,
    "bad_verification_code": errors.ProviderRejected,
    "incorrect_client_credentials": errors.ProviderMisconfigured,
    "redirect_uri_mismatch": errors.ProviderMisconfigured,
}

EMULATED = {
    "https://api.github.com/user/emails": lambda user: [
        {"email": user["email"], "primary": True, "verified": user["email_verified"]}
    ]
}
"""What the second call answers of somebody at the emulator."""


def fetch_user(api: Api, token: Token) -> Mapping[str, Any]:
    """Fetch the user, and the addresses if they were granted; the scope ``user`` includes ``user:email``."""
    user = api.get_json(api.userinfo_url)
    is_granted = {"user", "user:email"} & {*token.scope}
    return {**user, "emails": api.get_list(f"{api.userinfo_url}/emails", {"per_page": "100"}) if is_granted else ()}


def map_profile(data: Mapping[str, Any]) -> Profile:
    """Return the profile, by the id: it is a number, and the login changes hands. An address counts if verified."""
    if type(data["id"]) is not int:
        raise errors.ProviderProtocolError("GitHub's id of the user is no number")
    verified = [email["email"] for email in data["emails"] if email["primary"] is True and email["verified"] is True]
    return Profile(
        subject=str(data["id"]),
        display_name=data.get("name") or data["login"],
        username=data["login"],
        avatar_url=data.get("avatar_url"),
        email=next(iter(verified), None),
        email_verified=bool(verified),
        raw=data,
    )


def read_error(data: Mapping[str, Any]) -> Refusal | None:
    """Read a refusal of the token endpoint (its HTTP status is 200), of a callback, or of the REST API."""
    if refusal := read_refusal(data):
        return replace(refusal, meaning=MEANINGS.get(refusal.error))
    if not isinstance(said := data.get("message"), str) or data.get("documentation_url") is None:
        return None
    return Refusal(said, meaning=errors.ProviderRateLimited if "rate limit" in said else None)


github = OAuth2Provider(
    name="github",
    title="GitHub",
    authorize_url="https://github.com/login/oauth/authorize",
    token_url="https://github.com/login/oauth/access_token",
    userinfo_url="https://api.github.com/user",
    default_scope=("user:email",),
    token_auth="body",
    prompts={"select_account": {"prompt": "select_account"}},
    read_error=read_error,
    userinfo=fetch_user,
    profile=map_profile,
)


@hookimpl
def authkit_providers() -> list[OAuth2Provider]:
    """Supply GitHub."""
    return [github]


@hookimpl
def authkit_emulators() -> Sequence[Callable[[], Emulator]]:
    """Supply the stock emulator of GitHub, told of the second call."""
    from authkit.emulator import StockMaker

    return [StockMaker(github, resources=EMULATED)]
