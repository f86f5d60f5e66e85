"""The authorization code flow on the wire: exactly what is sent, for every deviation that a provider may have."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from fakes import (
    ACCESS_TOKEN,
    CLIENT_SECRET,
    FIRST_STATE,
    FIRST_VERIFIER,
    REFRESH_TOKEN,
    TOKEN,
    Browser,
    CountingRandom,
    Network,
    Sent,
    acme,
    callback,
    make_kit,
)

from authkit import AuthKit, Login, OAuth2Provider, Secret, Token, errors, pkce
from authkit.errors import (
    AccessDenied,
    AuthkitError,
    InvalidRequest,
    IssuerMismatch,
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    ReauthRequired,
)

NOW = datetime.fromtimestamp(1_800_000_000, timezone.utc)
REDIRECT_URI = "https://app.example/auth/acme/callback"
REDIRECT = "redirect_uri=https%3A%2F%2Fapp.example%2Fauth%2Facme%2Fcallback"
STATE = f"state={FIRST_STATE}"
PKCE = "code_challenge=bB1ju9q0N8VDaMu9iIaohqea2XcpfiZe6_H19fAVM7k&code_challenge_method=S256"
HEX_PKCE = (
    "code_challenge=6c1d63bbdab437c54368cbbd8886a886a79ad977297e265eebf1f5f5f01533b9&code_challenge_method=S256"
)
REQUEST = f"client_id=acme-client&response_type=code&scope=profile&{REDIRECT}&{STATE}"
EXCHANGE = {"grant_type": "authorization_code", "code": "the-code", "redirect_uri": REDIRECT_URI}
IN_BODY = {"client_id": "acme-client", "client_secret": CLIENT_SECRET}
OLD = Token(
    access_token=Secret(ACCESS_TOKEN),
    refresh_token=Secret(REFRESH_TOKEN),
    expires_at=NOW,
    refresh_expires_at=NOW + timedelta(days=30),
    scope=("profile",),
    subject="user-1",
)

BODY = replace(acme, token_auth="body")
KEYED = replace(acme, token_auth="body", client_id_param="client_key")
PUBLIC = replace(acme, token_auth="none")
OPEN = replace(acme, subject_param="open_id")


def kit_for(network: Network | None = None, provider: OAuth2Provider = acme, **settings: str) -> AuthKit:
    more = {f"authkit.acme.{key}": value for key, value in settings.items()}
    return make_kit(network, more, provider=provider, random=CountingRandom())


def sign_in(network: Network, provider: OAuth2Provider = acme, /, **params: str) -> Login:
    return Browser().sign_in(kit_for(network, provider), **params)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()


def only(sent: list[Sent]) -> Sent:
    assert len(sent) == 1
    return sent[0]


# The authorization request


@pytest.mark.parametrize(
    ("changes", "query"),
    [
        ({}, f"{REQUEST}&{PKCE}"),
        ({"client_id_param": "client_key"}, f"{REQUEST.replace('client_id', 'client_key')}&{PKCE}"),
        ({"default_scope": ("a", "b:c")}, f"{REQUEST.replace('profile', 'a+b%3Ac')}&{PKCE}"),
        (
            {"default_scope": ("a", "b:c"), "scope_separator": ","},
            f"{REQUEST.replace('profile', 'a%2Cb%3Ac')}&{PKCE}",
        ),
        ({"default_scope": ()}, f"{REQUEST.replace('scope=profile&', '')}&{PKCE}"),
        ({"code_challenge": pkce.s256_hex}, f"{REQUEST}&{HEX_PKCE}"),
        ({"code_challenge": None}, REQUEST),
        ({"authorize_url": "https://acme.example/oauth/authorize?tenant=1"}, f"tenant=1&{REQUEST}&{PKCE}"),
    ],
    ids=["acme", "client-id", "scope", "scope-separator", "no-scope", "hex-pkce", "no-pkce", "own-query"],
)
def test_the_authorization_url_is_exactly_what_the_provider_wants(changes: Mapping[str, Any], query: str) -> None:
    url = Browser().start(kit_for(provider=replace(acme, **changes)))

    assert url == f"https://acme.example/oauth/authorize?{query}"


def test_a_prompt_is_asked_for_in_the_provider_s_words() -> None:
    kit = kit_for(provider=replace(acme, prompts={"consent": {"disable_auto_auth": "1", "x": "&"}}))

    url = Browser().start(kit, prompt="consent")

    assert url == f"https://acme.example/oauth/authorize?{REQUEST}&{PKCE}&disable_auto_auth=1&x=%26"


@pytest.mark.parametrize("form", ["on", "base64url", "hex", "off"])
def test_pkc_01_the_verifier_never_stands_in_the_url(form: str) -> None:
    assert FIRST_VERIFIER not in Browser().start(kit_for(pkce=form))


# The token request


@pytest.mark.parametrize(
    ("provider", "client", "authorization"),
    [
        (acme, {}, basic("acme-client", CLIENT_SECRET)),
        (BODY, IN_BODY, None),
        (KEYED, {"client_key": "acme-client", "client_secret": CLIENT_SECRET}, None),
        (PUBLIC, {"client_id": "acme-client"}, None),
        (replace(PUBLIC, client_id_param="app"), {"app": "acme-client"}, None),
    ],
    ids=["basic", "body", "keyed", "none", "keyed-none"],
)
def test_the_token_request_is_exactly_what_the_provider_wants(
    network: Network, provider: OAuth2Provider, client: Mapping[str, str], authorization: str | None
) -> None:
    sign_in(network, provider)

    sent = only(network.to("/token"))
    assert (sent.method, sent.url) == ("POST", "https://acme.example/oauth/token")
    assert sent.form == {**EXCHANGE, "code_verifier": FIRST_VERIFIER, **client}
    assert sent.headers.get("Authorization") == authorization
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert (sent.headers["Accept"], sent.headers["User-Agent"]) == ("application/json", "authkit")


def test_without_pkce_no_verifier_is_sent(network: Network) -> None:
    sign_in(network, replace(BODY, code_challenge=None))

    assert only(network.to("/token")).form == {**EXCHANGE, **IN_BODY}


def test_basic_credentials_are_form_encoded_before_they_are_joined(network: Network) -> None:
    kit = kit_for(network, client_id="a:b/c", client_secret="d%e+f&g:h/i")

    Browser().sign_in(kit)

    assert only(network.to("/token")).headers["Authorization"] == basic("a%3Ab%2Fc", "d%25e%2Bf%26g%3Ah%2Fi")


def test_credentials_in_the_body_arrive_as_they_are(network: Network) -> None:
    Browser().sign_in(kit_for(network, BODY, client_id="a&b=c+%20/", client_secret="d%e+f&g:h~!*'()"))

    form = only(network.to("/token")).form
    assert (form["client_id"], form["client_secret"]) == ("a&b=c+%20/", "d%e+f&g:h~!*'()")


def test_rdu_04_the_redirect_uri_is_the_same_both_times(network: Network) -> None:
    uri = "https://app.example/cb?a=%2F&b=ü".replace("ü", "%C3%BC")
    kit = kit_for(network, redirect_uri=uri)
    browser = Browser()

    url = browser.start(kit)
    browser.come_back(kit, callback(url, code="c"))

    assert Sent("GET", url, {}, "").query["redirect_uri"] == uri
    assert only(network.to("/token")).form["redirect_uri"] == uri


def test_pkc_08_an_odd_code_arrives_byte_for_byte(network: Network) -> None:
    code = ("+%2B&=/ *%25;~'\"<>" * 120)[:2000]

    sign_in(network, code=code)

    sent = only(network.to("/token"))
    assert sent.form["code"] == code
    assert len(sent.form["code"]) == 2000


@pytest.mark.parametrize("code", ["", "c" * 4097, "c\n", "c\x00", "ç", "c\x7f"])
def test_pkc_09_a_code_that_is_no_code_is_not_sent(network: Network, code: str) -> None:
    with pytest.raises(InvalidRequest, match="the callback"):
        sign_in(network, code=code)

    assert network.sent == []


def test_pkc_08_a_code_of_four_kib_is_sent(network: Network) -> None:
    sign_in(network, code="c" * 4096)

    assert only(network.to("/token")).form["code"] == "c" * 4096


# The token answer


def test_a_token_has_everything_that_the_provider_said(network: Network) -> None:
    network.replies["token"] = {**TOKEN, "refresh_expires_in": 7200, "open_id": "user-1"}

    assert sign_in(network, OPEN).token == Token(
        access_token=Secret(ACCESS_TOKEN),
        refresh_token=Secret(REFRESH_TOKEN),
        expires_at=NOW + timedelta(hours=1),
        refresh_expires_at=NOW + timedelta(hours=2),
        scope=("profile",),
        subject="user-1",
    )


def test_a_token_has_nothing_that_the_provider_did_not_say(network: Network) -> None:
    network.replies["token"] = {"access_token": "a"}

    assert sign_in(network).token == Token(access_token=Secret("a"), scope=("profile",))


def test_a_callback_need_not_say_which_scopes_were_granted(network: Network) -> None:
    network.replies["token"] = {"access_token": "a"}

    assert sign_in(network, replace(acme, granted_scope_param="scopes")).granted_scopes == ("profile",)


def test_an_unknown_scope_in_the_answer_counts_as_all_that_was_asked(network: Network) -> None:
    network.replies["token"] = {"access_token": "a"}

    assert sign_in(network, replace(acme, default_scope=("a", "b"))).granted_scopes == ("a", "b")


@pytest.mark.parametrize(
    ("said", "granted"),
    [("a", ("a",)), ("b,a", ("a", "b")), ("b a", ("a", "b")), ("", ()), ("a,admin", ("a",)), ("admin", ())],
)
def test_the_callback_may_say_which_scopes_were_granted(
    network: Network, said: str, granted: tuple[str, ...]
) -> None:
    network.replies["token"] = {"access_token": "a"}
    provider = replace(acme, default_scope=("a", "b"), granted_scope_param="scopes")

    assert sign_in(network, provider, scopes=said).granted_scopes == granted


def test_the_token_answer_wins_over_the_callback(network: Network) -> None:
    network.replies["token"] = {"access_token": "a", "scope": "b"}
    provider = replace(acme, default_scope=("a", "b"), granted_scope_param="scopes")

    assert sign_in(network, provider, scopes="a,b").granted_scopes == ("b",)


def test_a_nameless_parameter_says_nothing_about_scopes(network: Network) -> None:
    network.replies["token"] = {"access_token": "a"}

    assert sign_in(network, **{"": "nothing"}).granted_scopes == ("profile",)


# Errors and issuers in the callback


@pytest.mark.parametrize(
    ("params", "kind", "reason"),
    [
        ({"error": "access_denied"}, AccessDenied, "access_denied"),
        ({"error": "access_denied", "error_description": "no"}, AccessDenied, "access_denied: no"),
        ({"error": "server_error"}, ProviderUnavailable, "server_error"),
        ({"error": "invalid_scope"}, errors.ProviderMisconfigured, "invalid_scope"),
        ({"error": "odd"}, ProviderRejected, "odd"),
        ({"error": "odd", "error_description": "c-1\nand more"}, ProviderRejected, r"odd: [redacted]\nand more"),
    ],
)
def test_sta_18_an_error_in_the_callback_ends_the_login_with_or_without_a_code(
    network: Network, params: Mapping[str, str], kind: type[AuthkitError], reason: str
) -> None:
    with pytest.raises(AuthkitError) as caught:
        sign_in(network, code="c-1", **params)

    assert (type(caught.value), caught.value.reason) == (kind, reason)
    assert network.sent == []


@pytest.mark.parametrize("extra", [{}, {"error": "access_denied"}], ids=["code", "error"])
@pytest.mark.parametrize(
    ("issuer", "sent"),
    [
        ("https://acme.example", {}),
        ("https://acme.example", {"iss": "https://evil.example"}),
        ("https://acme.example", {"iss": "https://acme.example/"}),
        ("https://acme.example", {"iss": ""}),
        ("", {"iss": "https://evil.example"}),
        ("", {"iss": ""}),
    ],
    ids=["MIX-02", "MIX-01", "slash", "empty", "unexpected", "unexpected-empty"],
)
def test_mix_01_an_answer_of_another_issuer_is_refused(
    network: Network, issuer: str, sent: Mapping[str, str], extra: Mapping[str, str]
) -> None:
    with pytest.raises(IssuerMismatch):
        sign_in(network, replace(acme, issuer=issuer), **sent, **extra)

    assert network.sent == []


def test_the_right_issuer_is_accepted(network: Network) -> None:
    provider = replace(acme, issuer="https://acme.example")

    assert sign_in(network, provider, iss="https://acme.example").profile.subject == "user-1"


def test_a_read_error_that_raises_on_a_callback_is_a_protocol_error(network: Network) -> None:
    def broken(data: Mapping[str, Any]) -> None:
        raise LookupError(data)

    with pytest.raises(ProviderProtocolError, match=r"^provider_protocol: LookupError at test_oauth2.py:\d+ while"):
        sign_in(network, replace(acme, read_error=broken))

    assert network.sent == []


# Refresh


@pytest.mark.parametrize(
    ("provider", "client", "authorization"),
    [
        (acme, {}, basic("acme-client", CLIENT_SECRET)),
        (BODY, IN_BODY, None),
        (KEYED, {"client_key": "acme-client", "client_secret": CLIENT_SECRET}, None),
        (PUBLIC, {"client_id": "acme-client"}, None),
    ],
    ids=["basic", "body", "keyed", "none"],
)
def test_the_refresh_request_is_exactly_what_the_provider_wants(
    network: Network, provider: OAuth2Provider, client: Mapping[str, str], authorization: str | None
) -> None:
    kit_for(network, provider).refresh("acme", OLD)

    sent = only(network.sent)
    assert (sent.method, sent.url) == ("POST", "https://acme.example/oauth/token")
    assert sent.form == {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN, **client}
    assert sent.headers.get("Authorization") == authorization
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"


def refreshed(network: Network, reply: Mapping[str, Any], old: Token = OLD) -> Token:
    network.replies["token"] = reply
    return kit_for(network, OPEN).refresh("acme", old)


def test_ref_02_a_rotated_refresh_token_replaces_the_old_one(network: Network) -> None:
    reply = {"access_token": "a2", "refresh_token": "r2", "expires_in": 60, "refresh_expires_in": 120, "scope": "b"}

    assert refreshed(network, reply) == Token(
        access_token=Secret("a2"),
        refresh_token=Secret("r2"),
        expires_at=NOW + timedelta(seconds=60),
        refresh_expires_at=NOW + timedelta(seconds=120),
        scope=("b",),
        subject="user-1",
    )


def test_ref_02_the_end_of_a_rotated_refresh_token_is_not_taken_from_the_old_one(network: Network) -> None:
    fresh = refreshed(network, {"access_token": "a2", "refresh_token": "r2"})

    assert (fresh.refresh_token, fresh.refresh_expires_at) == (Secret("r2"), None)


@pytest.mark.parametrize("extra", [{}, {"refresh_token": ""}, {"refresh_token": None}], ids=["none", "empty", "null"])
def test_ref_02_without_a_new_refresh_token_the_old_one_stays_as_it_is(
    network: Network, extra: Mapping[str, Any]
) -> None:
    fresh = refreshed(network, {"access_token": "a2", **extra})

    assert fresh == replace(OLD, access_token=Secret("a2"), expires_at=None)


def test_ref_02_a_malformed_refresh_token_leaves_the_old_one_and_its_end(network: Network) -> None:
    fresh = refreshed(network, {"access_token": "a2", "refresh_token": ["r2"], "refresh_expires_in": 60})

    assert fresh == replace(OLD, access_token=Secret("a2"), expires_at=None)


def test_the_same_refresh_token_may_get_a_new_end(network: Network) -> None:
    fresh = refreshed(network, {"access_token": "a2", "refresh_token": REFRESH_TOKEN, "refresh_expires_in": 60})

    assert (fresh.refresh_token, fresh.refresh_expires_at) == (Secret(REFRESH_TOKEN), NOW + timedelta(seconds=60))


def test_ref_03_a_refreshed_token_of_another_user_is_refused(network: Network) -> None:
    with pytest.raises(ReauthRequired, match="the refreshed token belongs to another user"):
        refreshed(network, {"access_token": "a2", "open_id": "user-2"})


@pytest.mark.parametrize(
    ("old", "said", "subject"),
    [("user-1", "user-1", "user-1"), (None, "user-1", "user-1"), ("user-1", None, "user-1"), (None, None, None)],
)
def test_a_refreshed_token_keeps_or_learns_its_user(
    network: Network, old: str | None, said: str | None, subject: str | None
) -> None:
    assert refreshed(network, {"access_token": "a2", "open_id": said}, replace(OLD, subject=old)).subject == subject


@pytest.mark.parametrize("status", [200, 400, 401])
def test_ref_01_a_refused_refresh_token_means_to_sign_in_again(network: Network, status: int) -> None:
    network.replies["token"] = (status, {"error": "invalid_grant", "error_description": f"{REFRESH_TOKEN} is old"})

    with pytest.raises(ReauthRequired) as caught:
        kit_for(network).refresh("acme", OLD)

    assert caught.value.reason == "invalid_grant: [redacted] is old"
    assert len(network.sent) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((503, b"<html>"), ProviderUnavailable),
        ((200, b"<html>"), ProviderProtocolError),
        ((401, {"error": "invalid_client"}), errors.ProviderMisconfigured),
        ((400, {"error": "odd"}), ProviderRejected),
        ((429, b""), errors.ProviderRateLimited),
        ((200, {"refresh_token": "r2"}), ProviderProtocolError),
        (ConnectionResetError("canary"), ProviderUnavailable),
    ],
)
def test_ref_04_any_other_failure_leaves_the_old_token_alone(
    network: Network, reply: Any, kind: type[AuthkitError]
) -> None:
    network.replies["token"] = reply

    with pytest.raises(AuthkitError) as caught:
        kit_for(network).refresh("acme", OLD)

    assert (type(caught.value), caught.value.registration) == (kind, "acme")
    assert len(network.sent) == 1


@pytest.mark.parametrize("refresh_token", [None, Secret("")])
def test_without_a_refresh_token_nothing_is_sent(network: Network, refresh_token: Secret | None) -> None:
    with pytest.raises(ReauthRequired, match="there is no refresh token"):
        kit_for(network).refresh("acme", replace(OLD, refresh_token=refresh_token))

    assert network.sent == []


# Revocation


@pytest.mark.parametrize(
    ("provider", "client", "authorization"),
    [
        (acme, {}, basic("acme-client", CLIENT_SECRET)),
        (BODY, IN_BODY, None),
        (KEYED, {"client_key": "acme-client", "client_secret": CLIENT_SECRET}, None),
        (PUBLIC, {"client_id": "acme-client"}, None),
    ],
    ids=["basic", "body", "keyed", "none"],
)
@pytest.mark.parametrize(
    ("revoke_with", "refresh_token", "sent_token"),
    [
        ("refresh_token", Secret(REFRESH_TOKEN), REFRESH_TOKEN),
        ("refresh_token", None, ACCESS_TOKEN),
        ("access_token", Secret(REFRESH_TOKEN), ACCESS_TOKEN),
    ],
)
def test_the_revocation_request_is_exactly_what_the_provider_wants(
    network: Network,
    provider: OAuth2Provider,
    client: Mapping[str, str],
    authorization: str | None,
    revoke_with: Any,
    refresh_token: Secret | None,
    sent_token: str,
) -> None:
    kit = kit_for(network, replace(provider, revoke_with=revoke_with))

    assert kit.revoke("acme", replace(OLD, refresh_token=refresh_token)) is True

    sent = only(network.sent)
    assert (sent.method, sent.url) == ("POST", "https://acme.example/oauth/revoke")
    assert sent.form == {"token": sent_token, **client}
    assert sent.headers.get("Authorization") == authorization
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("reply", [b"", b" \n", {}, {"revoked": True}], ids=["empty", "blank", "object", "members"])
def test_ref_06_a_token_is_revoked_when_the_provider_says_so(network: Network, reply: Any) -> None:
    network.replies["revoke"] = (200, reply)

    assert kit_for(network).revoke("acme", OLD) is True


def test_without_an_endpoint_nothing_is_revoked(network: Network) -> None:
    assert kit_for(network, replace(acme, revoke_url="")).revoke("acme", OLD) is False
    assert network.sent == []


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((200, b"<html>"), ProviderProtocolError),
        ((200, {"error": "invalid_request"}), ProviderRejected),
        ((400, {"error": "unsupported_token_type"}), ProviderRejected),
        ((400, {"error": "e", "access_token": "\ud800"}), ProviderRejected),
        ((503, b""), ProviderUnavailable),
        (TimeoutError(), ProviderUnavailable),
    ],
)
def test_ref_06_a_failed_revocation_is_an_error(network: Network, reply: Any, kind: type[AuthkitError]) -> None:
    network.replies["revoke"] = reply

    with pytest.raises(AuthkitError) as caught:
        kit_for(network).revoke("acme", OLD)

    assert (type(caught.value), caught.value.registration) == (kind, "acme")
    assert len(network.sent) == 1


# What the process brings along


def test_a_netrc_file_changes_no_credentials(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login evil password evil\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    kit_for(network, BODY).refresh("acme", Browser().sign_in(kit_for(network, BODY)).token)

    assert [sent.headers.get("Authorization") for sent in network.sent] == [None, f"Bearer {ACCESS_TOKEN}", None]


def test_lek_05_no_url_of_a_request_holds_a_secret(network: Network) -> None:
    kit = kit_for(network, BODY)
    token = Browser().sign_in(kit, code="canary-code").token
    kit.refresh("acme", token)
    kit.revoke("acme", token)

    assert [sent.url for sent in network.sent] == [
        "https://acme.example/oauth/token",
        "https://acme.example/api/me",
        "https://acme.example/oauth/token",
        "https://acme.example/oauth/revoke",
    ]


@pytest.mark.parametrize("scope", [5, {"a": 1}, [1]])
def test_a_refresh_loses_no_rotated_token_over_an_odd_scope(scope: Any) -> None:
    network = Network(token={"access_token": "new", "refresh_token": "rotated", "scope": scope})
    old = Token(Secret("old"), Secret("old-refresh"), scope=("profile",))

    fresh = make_kit(network).refresh("acme", old)

    assert (fresh.access_token, fresh.refresh_token, fresh.scope) == ("new", "rotated", ("profile",))


def test_g_4_a_provider_that_echoes_the_header_of_the_client_gets_it_into_no_error(network: Network) -> None:
    sent = basic("acme-client", CLIENT_SECRET).partition(" ")[2]
    network.replies["token"] = (400, {"error": "invalid_grant", "error_description": f"not with {sent}"})

    with pytest.raises(AuthkitError) as caught:
        sign_in(network)

    assert only(network.sent).headers["Authorization"] == f"Basic {sent}"
    assert caught.value.reason == "invalid_grant: not with [redacted]"
