"""Continue with TikTok: the plugin from the button to the revoked token, with scripted answers and the emulator."""

from __future__ import annotations

import ast
import logging
from datetime import datetime, timedelta, timezone
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from fakes import answer
from tiktok_fakes import (
    ALL_SCOPES,
    BASIC,
    CLIENT_KEY,
    CLIENT_SECRET,
    CODE,
    LOG_ID,
    OPEN_ID,
    PROFILE,
    STATS,
    TOKEN,
    USER,
    World,
    complete,
    log_in,
    oauth_error,
    resource_error,
    scripted,
    tiktok_kit,
)

import authkit_tiktok
from authkit import Identity, Login, OAuth2Provider, Profile, Secret, Token, pkce
from authkit.errors import (
    AccessDenied,
    AuthkitError,
    ProviderMisconfigured,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
    ReauthRequired,
    ScopeMissing,
    StateInvalid,
)
from authkit.plugins import load_plugins
from authkit_tiktok import provider as provider_module
from authkit_tiktok.emulator import App, TikTokEmulator
from authkit_tiktok.events import TikTokEvents
from authkit_tiktok.provider import tiktok
from authkit_tiktok.rules import check_redirect_uri

TWO_SCOPES = {"authkit.tiktok.scope": f"{BASIC} {PROFILE}"}
NOON = datetime(2027, 1, 15, 8, 0, tzinfo=timezone.utc)


def scopes_of(recorded):
    return recorded.query["scope"].split(",")


# The plugin


def test_the_plugin_supplies_one_provider_and_one_emulator():
    plugins = load_plugins(found=(), extra=[authkit_tiktok])

    assert dict(plugins.providers) == {"tiktok": tiktok}
    assert dict(plugins.emulators()) == {"tiktok": TikTokEmulator}
    assert plugins.infos[0].hooks == ("authkit_emulators", "authkit_providers")


def test_the_plugin_is_found_by_its_entry_point():
    points = {point.name: point.value for point in entry_points(group="authkit")}

    assert points["tiktok"] == "authkit_tiktok"


def test_the_provider_is_data_and_short():
    source = Path(provider_module.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source)

    assert type(tiktok) is OAuth2Provider
    assert len(source.splitlines()) <= 60
    assert [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda))] == []


# A whole login


def test_a_login_has_everything_that_tiktok_said():
    world = World(TWO_SCOPES)
    login = world.log_in(return_to="/inbox")
    issued = login.token
    avatars = {name: url for name, url in login.profile.raw.items() if name.startswith("avatar_")}

    assert {name: url.partition("?")[0] for name, url in avatars.items()} == {
        name: getattr(world.emulator.users[0], name) for name in ("avatar_url", "avatar_url_100", "avatar_large_url")
    }
    assert login == Login(
        registration="tiktok",
        identity=Identity("tiktok", CLIENT_KEY, OPEN_ID),
        profile=Profile(
            subject=OPEN_ID,
            union_id="3c0b1e52-7a1f-4b0e-9f53-0d9f2f6f1a10",
            display_name="Ada Tok",
            username="ada.tok",
            avatar_url=avatars["avatar_large_url"],
            raw={
                "open_id": OPEN_ID,
                "union_id": "3c0b1e52-7a1f-4b0e-9f53-0d9f2f6f1a10",
                **avatars,
                "display_name": "Ada Tok",
                "bio_description": "I count loops.\nAnd I loop counts.",
                "profile_deep_link": "https://vm.tiktok.example/ZMada/",
                "profile_web_link": "https://www.tiktok.example/@ada.tok",
                "is_verified": True,
                "username": "ada.tok",
            },
        ),
        token=Token(
            access_token=issued.access_token,
            refresh_token=issued.refresh_token,
            expires_at=NOON + timedelta(hours=2),
            refresh_expires_at=NOON + timedelta(days=180),
            scope=(BASIC, PROFILE),
            subject=OPEN_ID,
        ),
        granted_scopes=(BASIC, PROFILE),
        missing_scopes=(),
        return_to="/inbox",
        correlation_id=login.correlation_id,
    )
    assert issued.access_token.reveal().startswith("act.")
    assert issued.refresh_token.reveal().startswith("rft.")
    assert [sent.endpoint for sent in world.emulator.requests] == ["authorize", "consent", "token", "userinfo"]


@pytest.mark.parametrize("error_status", ["200", "rfc"])
@pytest.mark.parametrize("error_data", [False, True])
def test_whatever_tiktok_s_undocumented_habits_a_login_comes_through(error_status, error_data):
    world = World(error_status=error_status, resource_error_data=error_data, rotation=False)

    assert world.log_in(user="zoe_lukasz").profile.display_name == "Zoë & <b>Łukasz</b> 👋 \"' 北京"


def test_two_users_are_two_identities():
    world = World()

    assert world.log_in(user=0).identity.key != world.log_in(user=1).identity.key


def test_a_denied_login_is_over():
    world = World()
    redirect = world.kit.begin("tiktok")
    callback = world.emulator.deny(redirect.url)

    with pytest.raises(AccessDenied) as caught:
        complete(world.kit, redirect, callback)
    assert [cookie.value for cookie in caught.value.cookies] == [""]
    with pytest.raises(StateInvalid):
        complete(world.kit, redirect, callback)
    assert world.sent("token") == []


def test_a_code_that_came_too_late_is_refused():
    world = World()
    redirect = world.kit.begin("tiktok")
    callback = world.emulator.approve(redirect.url)
    world.clock.now += 60

    with pytest.raises(ProviderRejected, match=r"invalid_grant: Authorization code is expired\."):
        complete(world.kit, redirect, callback)
    assert world.sent("userinfo") == []


def test_a_code_of_another_login_that_was_used_is_refused():
    world = World()
    first = world.kit.begin("tiktok")
    callback = world.emulator.approve(first.url)
    complete(world.kit, first, callback)
    code = world.sent("token")[0].form["code"]

    with pytest.raises(ProviderRejected, match=r"invalid_grant: Authorization code is expired\."):
        log_in(world.kit, {"code": code, "scopes": BASIC})
    assert len(world.sent("userinfo")) == 1


def test_a_code_of_another_login_that_was_not_used_fails_by_its_verifier():
    world = World(app=App(CLIENT_KEY, CLIENT_SECRET, ALL_SCOPES, platform="web-strict"))
    planted = world.emulator.approve(world.kit.begin("tiktok").url)
    code = planted.partition("code=")[2].partition("&")[0].replace("%2A", "*").replace("%21", "!")

    with pytest.raises(ProviderRejected, match=r"Code verifier or code challenge is invalid\."):
        log_in(world.kit, {"code": code, "scopes": BASIC})


def test_nothing_is_remembered_of_one_login_in_the_next():
    world = World(TWO_SCOPES)
    rich, poor = world.log_in(), world.log_in(scopes=[BASIC], user=1)

    assert (rich.profile.username, poor.profile.username) == ("ada.tok", None)
    assert poor.missing_scopes == (PROFILE,)


# Scopes that were not granted


def test_scopes_that_were_unticked_are_missing_and_the_login_stands():
    world = World({"authkit.tiktok.scope": " ".join(ALL_SCOPES)})
    login = world.log_in(scopes=[BASIC, STATS])

    assert (login.granted_scopes, login.missing_scopes) == ((BASIC, STATS), (PROFILE, "video.list"))
    assert login.profile.raw["follower_count"] == 1_204_331
    assert "username" not in login.profile.raw


def test_missing_scopes_are_asked_for_again_on_a_page_that_is_shown():
    world = World()
    login = world.log_in(scope=[PROFILE, STATS], scopes=[BASIC])
    again = world.log_in(scope=login.missing_scopes, prompt="consent")
    first, second = world.sent("authorize")

    assert login.missing_scopes == (PROFILE, STATS)
    assert (scopes_of(second), second.query["disable_auto_auth"]) == ([BASIC, PROFILE, STATS], "1")
    assert "disable_auto_auth" not in first.query
    assert (again.missing_scopes, again.profile.username) == ((), "ada.tok")


def test_a_scope_is_asked_for_once_although_it_is_named_twice():
    world = World(TWO_SCOPES)
    world.log_in(scope=[PROFILE, BASIC, STATS])

    assert scopes_of(world.sent("authorize")[0]) == [BASIC, PROFILE, STATS]


def test_a_login_without_the_basic_scope_is_refused_before_anything_is_asked():
    world = World(TWO_SCOPES)

    with pytest.raises(ScopeMissing, match=r"TikTok granted no user\.info\.basic"):
        world.log_in(scopes=[PROFILE])
    assert world.sent("userinfo") == []


def test_a_scope_that_the_app_requires_must_be_granted():
    world = World({**TWO_SCOPES, "authkit.tiktok.required_scope": PROFILE})

    with pytest.raises(ScopeMissing, match=r"not granted, but required: user\.info\.profile"):
        world.log_in(scopes=[BASIC])
    assert world.sent("userinfo") == []
    assert world.log_in().profile.username == "ada.tok"


# Refusals: what each means, in whatever envelope and under whatever status


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    ("error", "description", "kind"),
    [
        ("invalid_client", "Client key or secret is incorrect.", ProviderMisconfigured),
        ("invalid_request", "Redirect_uri is not matched with the uri when requesting code.", ProviderMisconfigured),
        ("invalid_request", "Client secret is missed in request.", ProviderMisconfigured),
        ("unsupported_grant_type", "The grant type is not supported.", ProviderMisconfigured),
        ("unauthorized_client", "The app is in draft.", ProviderMisconfigured),
        ("invalid_request", "Code verifier or code challenge is invalid.", ProviderRejected),
        ("invalid_request", "The request parameters are malformed.", ProviderRejected),
        ("invalid_grant", "Authorization code is expired.", ProviderRejected),
        ("server_error", "Something went wrong.", ProviderUnavailable),
        ("temporarily_unavailable", "Something went wrong.", ProviderUnavailable),
    ],
)
def test_each_refusal_of_a_code_has_its_meaning(status, error, description, kind):
    network = scripted(token=(status, oauth_error(error, description)))

    with pytest.raises(AuthkitError) as caught:
        log_in(tiktok_kit(network))
    assert (type(caught.value), caught.value.log_id) == (kind, LOG_ID)
    assert caught.value.reason.startswith(f"{error}: {description}")
    assert network.to("info") == []


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("access_token_invalid", ProviderRejected),
        ("invalid_params", ProviderRejected),
        ("scope_not_authorized", ScopeMissing),
        ("scope_permission_missed", ScopeMissing),
        ("rate_limit_exceeded", ProviderRateLimited),
        ("internal_error", ProviderUnavailable),
    ],
)
def test_each_refusal_of_the_api_has_its_meaning(status, code, kind):
    network = scripted(info=(status, resource_error(code, "No, sorry.")))

    with pytest.raises(AuthkitError) as caught:
        log_in(tiktok_kit(network))
    assert (type(caught.value), caught.value.reason, caught.value.log_id) == (
        kind,
        f"the profile: {code}: No, sorry.",
        LOG_ID,
    )


@pytest.mark.parametrize(
    ("status", "kind"), [(200, ProviderRejected), (401, ProviderRejected), (500, ProviderUnavailable)]
)
def test_a_code_that_nobody_knows_is_judged_by_the_status(status, kind):
    with pytest.raises(kind, match="access_token_expired: No"):
        log_in(tiktok_kit(scripted(info=(status, resource_error("access_token_expired")))))


@pytest.mark.parametrize("reply", [b"", b"<html>Something went wrong</html>", b"[]", b'"ok"', b"null"], ids=str)
@pytest.mark.parametrize("endpoint", ["token", "info"])
def test_an_answer_that_is_no_json_object_is_nonsense(endpoint, reply):
    with pytest.raises(ProviderProtocolError):
        log_in(tiktok_kit(scripted(**{endpoint: (200, reply)})))


def test_the_rate_limit_says_when_to_come_back():
    def busy(request):
        return answer(request, 429, resource_error("rate_limit_exceeded"), Retry_After="17")

    network = scripted(info=busy)

    with pytest.raises(ProviderRateLimited) as caught:
        log_in(tiktok_kit(network))
    assert (caught.value.code, caught.value.retry_after) == ("provider_rate_limited", 17)
    assert len(network.to("info")) == 1


@pytest.mark.parametrize(
    ("callback", "kind"),
    [
        ({"error": "access_denied", "errCode": "-2"}, AccessDenied),
        ({"error": "access_denied", "error_type": ""}, AccessDenied),
        ({"error": "access_denied", "error_type": "non_sandbox_target"}, ProviderMisconfigured),
        ({"error": "param_error", "error_type": "client_key", "errCode": "10003"}, ProviderMisconfigured),
        ({"error": "param_error"}, ProviderMisconfigured),
        ({"error": "unauthorized_client", "error_type": "client_key"}, ProviderMisconfigured),
        ({"error": "invalid_request", "error_type": "redirect_uri"}, ProviderMisconfigured),
        ({"error": "invalid_scope", "error_type": "scope"}, ProviderMisconfigured),
        ({"error": "invalid_client", "errCode": "10033"}, ProviderMisconfigured),
        ({"error": "server_error", "errCode": "10004"}, ProviderUnavailable),
        ({"error": "something_new"}, ProviderRejected),
        ({"error": "access_denied", "code": CODE, "scopes": BASIC}, AccessDenied),
    ],
    ids=str,
)
def test_each_error_in_the_callback_has_its_meaning(callback, kind):
    network = scripted()

    with pytest.raises(AuthkitError) as caught:
        log_in(tiktok_kit(network), callback)
    assert type(caught.value) is kind
    assert network.sent == []


def test_the_log_id_is_in_the_audit_line_and_nothing_secret_is(caplog):
    echo = f"The code {CODE} of {CLIENT_SECRET} is expired."
    kit = tiktok_kit(scripted(token=oauth_error("invalid_grant", echo)))
    with pytest.raises(ProviderRejected) as caught, caplog.at_level(logging.DEBUG):
        log_in(kit)
    kit.failed(caught.value)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "authkit.audit"]

    assert line == (
        "outcome=failure code=provider_rejected provider=tiktok registration=tiktok"
        f" ref={caught.value.correlation_id} log_id={LOG_ID}"
        " cause=invalid_grant: The code [redacted] of [redacted] is expired."
    )
    assert CODE not in caplog.text
    assert CLIENT_SECRET not in caplog.text


# Afterwards: refresh and revoke


@pytest.mark.parametrize("error_status", ["200", "rfc"])
@pytest.mark.parametrize("rotation", [True, False])
def test_a_token_lives_is_refreshed_and_dies(error_status, rotation):
    world = World(error_status=error_status, rotation=rotation)
    first = world.log_in().token
    world.clock.now += 7200
    with pytest.raises(ProviderRejected, match="access_token_invalid"):
        world.kit.clients["tiktok"].fetch_profile(first)
    second = world.kit.refresh("tiktok", first)

    assert world.kit.clients["tiktok"].fetch_profile(second).subject == OPEN_ID
    assert (second.refresh_token != first.refresh_token) is rotation
    assert (second.scope, second.subject) == ((BASIC,), OPEN_ID)
    assert world.kit.revoke("tiktok", second) is True
    with pytest.raises(ProviderRejected, match="access_token_invalid"):
        world.kit.clients["tiktok"].fetch_profile(second)
    with pytest.raises(ReauthRequired):
        world.kit.refresh("tiktok", second)
    with pytest.raises(ReauthRequired, match=r"invalid_grant: Access token is invalid or expired\."):
        world.kit.revoke("tiktok", second)


def test_a_refresh_sends_exactly_this_form():
    network = scripted()
    kit = tiktok_kit(network)
    kit.refresh("tiktok", log_in(kit).token)

    assert network.sent[-1].url == "https://open.tiktokapis.com/v2/oauth/token/"
    assert network.sent[-1].form == {
        "client_key": CLIENT_KEY,
        "client_secret": CLIENT_SECRET,
        "grant_type": "refresh_token",
        "refresh_token": "rft.emulated0001AAAA",
    }
    assert network.sent[-1].body.count("=") == 4


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("invalid_grant", ReauthRequired),
        ("invalid_client", ProviderMisconfigured),
        ("invalid_request", ProviderRejected),
        ("server_error", ProviderUnavailable),
    ],
)
def test_each_refusal_of_a_refresh_has_its_meaning(status, error, kind):
    network = scripted()
    kit = tiktok_kit(network)
    token = log_in(kit).token
    network.replies["token"] = (status, oauth_error(error, "No."))

    with pytest.raises(AuthkitError) as caught:
        kit.refresh("tiktok", token)
    assert (type(caught.value), caught.value.registration, caught.value.log_id) == (kind, "tiktok", LOG_ID)


def test_a_refreshed_token_of_somebody_else_is_refused():
    network = scripted()
    kit = tiktok_kit(network)
    token = log_in(kit).token
    network.replies["token"] = {**TOKEN, "open_id": "somebody-else"}

    with pytest.raises(ReauthRequired, match="belongs to another user"):
        kit.refresh("tiktok", token)


def test_a_token_that_cannot_be_refreshed_is_not_sent():
    network = scripted()

    with pytest.raises(ReauthRequired):
        tiktok_kit(network).refresh("tiktok", Token(Secret("act.1")))
    assert network.sent == []


@pytest.mark.parametrize("body", [b"{}", b"", b"\n"], ids=str)
def test_a_revocation_is_answered_by_nothing(body):
    kit = tiktok_kit(scripted(revoke=(200, body)))

    assert kit.revoke("tiktok", log_in(kit).token) is True


@pytest.mark.parametrize("status", [200, 400])
def test_a_token_that_is_none_is_told_at_its_revocation_whatever_the_status(status):
    kit = tiktok_kit(
        scripted(revoke=(status, oauth_error("invalid_grant", "Access token is invalid or expired."))),
    )
    token = log_in(kit).token

    with pytest.raises(ReauthRequired, match=r"invalid_grant: Access token is invalid or expired\.") as caught:
        kit.revoke("tiktok", token)
    assert caught.value.log_id == LOG_ID


def test_the_user_of_the_samples_is_read():
    login = log_in(tiktok_kit(scripted()))

    assert login.profile.raw == USER
    assert login.token == Token(
        access_token=Secret("act.emulated0001AAAA"),
        refresh_token=Secret("rft.emulated0001AAAA"),
        expires_at=NOON + timedelta(seconds=7200),
        refresh_expires_at=NOON + timedelta(seconds=15552000),
        scope=(BASIC,),
        subject=OPEN_ID,
    )


def test_what_tiktok_does_otherwise_is_declared():
    assert (tiktok.default_scope, tiktok.basic_scope) == (("user.info.basic",), ("user.info.basic",))
    assert (tiktok.granted_scope_param, tiktok.code_challenge) == ("scopes", pkce.s256_hex)
    assert tiktok.check_redirect_uri is check_redirect_uri
    assert isinstance(tiktok.events, TikTokEvents)
    assert [(option.name, option.choices, option.default) for option in tiktok.options] == [
        ("platform", ("web", "desktop"), "web")
    ]
