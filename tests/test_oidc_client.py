"""OpenID Connect on the wire: what is sent, and what is made of what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from fakes import SECRET, Browser, Clock, Network, answer, plugins_with, state_of
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from openid_world import CLIENT_ID, ISSUER, World, claims, idp, key, public, query_of, signed
from requests import PreparedRequest, Response

from authkit import AuthKit, Profile, Secret, Token, errors
from authkit.emulator.openid.client import OpenIDClient as EmulatedClient
from authkit.oidc import OpenIDProvider
from authkit.oidc.assertion import SignedAssertion, read_private_key
from authkit.oidc.idtoken import nonce_of
from authkit.refusal import Refusal
from authkit.transactions import Transaction

# The authorization request


def verifier_of(world: World, url: str) -> Secret:
    """Return the verifier of a login that is under way."""
    [name] = [name for name in world.browser.cookies if sha256(state_of(url).encode()).hexdigest()[:32] in name]
    content = world.kit.transactions._sealer.open(world.browser.cookies[name], name)
    return Transaction.from_bytes(content).code_verifier


def test_the_authorization_request_is_that_of_openid_connect() -> None:
    world = World(replace(idp, params={"access_type": "offline"}), switches={"par": "off"})

    url = world.start(prompt="consent")

    query = query_of(url)
    assert url.startswith(f"{ISSUER}/authorize?")
    assert query.pop("nonce") == nonce_of(verifier_of(world, url))
    assert len(query.pop("state")) == len(query.pop("code_challenge")) == 43
    assert query == {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "scope": "openid profile email",
        "redirect_uri": "https://app.example/auth/idp/callback",
        "code_challenge_method": "S256",
        "prompt": "consent",
        "access_type": "offline",
    }


@pytest.mark.parametrize("prompt", ["login", "consent", "select_account"])
def test_a_prompt_is_asked_for_in_the_words_of_openid_connect(prompt: str) -> None:
    assert query_of(World(switches={"par": "off"}).start(prompt=prompt))["prompt"] == prompt


def test_each_login_has_a_nonce_of_its_own() -> None:
    world = World(switches={"par": "off"})

    assert query_of(world.start())["nonce"] != query_of(world.start())["nonce"]


def test_the_nonce_of_one_login_is_no_good_for_another() -> None:
    world = World(switches={"par": "off"})
    mine, other = world.start(), world.start()
    swapped = mine.replace(query_of(mine)["nonce"], query_of(other)["nonce"])

    with pytest.raises(errors.ProviderProtocolError, match="nonce is missing, or another login's"):
        world.back(world.emulator.approve(swapped))


# Pushed authorization requests


@pytest.mark.parametrize("par", ["offered", "required"])
def test_the_request_is_pushed_where_that_is_offered(par: str) -> None:
    world = World(switches={"par": par})

    url = world.start()

    [pushed] = world.sent("par")
    assert sorted(query_of(url)) == ["client_id", "request_uri"]
    assert pushed.method == "POST"
    assert pushed.form["redirect_uri"] == "https://app.example/auth/idp/callback"
    assert "client_secret" not in pushed.form
    assert pushed.headers["Authorization"].startswith("Basic ")
    assert world.back(world.emulator.approve(url)).profile.subject == "1000001"


def test_each_login_is_pushed_anew() -> None:
    world = World()

    assert query_of(world.start())["request_uri"] != query_of(world.start())["request_uri"]
    assert len(world.sent("par")) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("par:500", errors.ProviderUnavailable),
        ("par:503", errors.ProviderUnavailable),
        ("par:429", errors.ProviderRateLimited),
        ("par:reset", errors.ProviderUnavailable),
        ("par:html", errors.ProviderProtocolError),
        ("par:redirect=https://evil.example/", errors.ProviderProtocolError),
    ],
)
def test_a_push_that_fails_is_no_login_without_it(fault: str, error: type[errors.AuthkitError]) -> None:
    world = World(faults=[fault])

    with pytest.raises(error):
        world.start()

    assert world.sent("authorize") == []


@pytest.mark.parametrize("name", ["state", "nonce"])
def test_what_binds_a_login_gets_into_no_error(name: str) -> None:
    def echo(request: Any) -> Any:
        said = dict(parse_qsl(str(request.body)))[name]
        return answer(request, 400, {"error": "invalid_request", "error_description": f"bad: {said}"})

    with pytest.raises(errors.ProviderRejected) as caught:
        hand_made(par=echo, settings={"client_secret": "a-client-secret"}).begin("idp")

    assert caught.value.reason == "invalid_request: bad: [redacted]"


@pytest.mark.parametrize("request_uri", [None, "", 1, ["urn:x"], "urn:x y", "urn:é", "u" * 2049])
def test_a_push_without_a_request_uri_is_refused(request_uri: object) -> None:
    kit = hand_made(par={"request_uri": request_uri})

    with pytest.raises(errors.ProviderProtocolError, match="has no request_uri"):
        kit.begin("idp")


@pytest.mark.parametrize("request_uri", ["!", "~", "u" * 2048])
def test_a_request_uri_is_visible_ascii_and_no_longer_than_an_address(request_uri: str) -> None:
    kit = hand_made(par={"request_uri": request_uri})

    assert query_of(kit.begin("idp").url) == {"client_id": CLIENT_ID, "request_uri": request_uri}


# How the client proves who it is


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("is_chosen_by_us", [True, False])
def test_the_secret_goes_where_the_settings_or_the_issuer_want_it(method: str, is_chosen_by_us: bool) -> None:
    world = World(
        settings={"token_auth": method} if is_chosen_by_us else {},
        switches={} if is_chosen_by_us else {"client_auth": method},
    )

    world.sign_in()

    for sent in (*world.sent("par"), *world.sent("token")):
        has_header = "Authorization" in sent.headers
        assert (has_header, "client_secret" in sent.form) == (method.endswith("basic"), method.endswith("post"))


@pytest.mark.parametrize(
    ("setting", "has_header"),
    [({}, False), ({"token_auth": "auto"}, False), ({"token_auth": "client_secret_basic"}, True)],
)
def test_a_plugin_says_where_the_secret_goes_unless_the_settings_do(
    setting: dict[str, object], has_header: bool
) -> None:
    network = HandMade()

    network.log_in(hand_made(network, provider=replace(idp, token_auth="client_secret_post"), settings=setting))

    [sent] = network.to("token")
    assert ("Authorization" in sent.headers, "client_secret" in sent.form) == (has_header, not has_header)


def test_a_public_client_sends_its_id_alone() -> None:
    world = World(clients=(EmulatedClient(CLIENT_ID, ""),))

    world.sign_in()

    [sent] = world.sent("token")
    assert "Authorization" not in sent.headers
    assert (sent.form["client_id"], "client_secret" in sent.form) == (CLIENT_ID, False)


def test_an_issuer_that_takes_no_way_that_we_have_is_misconfigured() -> None:
    kit = hand_made(metadata={"token_endpoint_auth_methods_supported": ["tls_client_auth"]})

    with pytest.raises(errors.ProviderMisconfigured) as caught:
        kit.begin("idp")

    assert caught.value.reason == (
        "the issuer takes none of: client_secret_basic, client_secret_post; set token_auth"
    )


KEYS = {
    "RS256": lambda: RSAKey.generate_key(2048, {"kid": "mine"}),
    "ES256": lambda: ECKey.generate_key("P-256", {"kid": "mine"}),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519", {"kid": "mine"}),
}


@pytest.mark.parametrize("algorithm", sorted(KEYS))
@pytest.mark.parametrize("form", ["jwk", "pem"])
def test_private_key_jwt(algorithm: str, form: str) -> None:
    mine = KEYS[algorithm]()
    jwks = json.dumps({"keys": [{**mine.as_dict(private=False), "kid": "mine"}]})
    text = json.dumps(mine.as_dict(private=True)) if form == "jwk" else mine.as_pem(private=True).decode()
    world = World(
        settings={"private_key": text, "client_secret": None}, clients=(EmulatedClient(CLIENT_ID, "", jwks=jwks),)
    )

    login = world.sign_in()
    world.kit.refresh("idp", login.token)
    world.kit.revoke("idp", login.token)

    sent = [*world.sent("par"), *world.sent("token"), *world.sent("revoke")]
    assert len(sent) == 4
    assert all("Authorization" not in request.headers and "client_secret" not in request.form for request in sent)
    assert [assertion_of(request.form)[0].get("kid") for request in sent] == ["mine" if form == "jwk" else None] * 4


@pytest.mark.parametrize(
    ("method", "proof"),
    [
        ("auto", "client_assertion"),
        ("private_key_jwt", "client_assertion"),
        ("client_secret_post", "client_secret"),
        ("client_secret_basic", "Authorization"),
        ("none", ""),
    ],
)
def test_a_client_with_both_a_secret_and_a_key_proves_itself_in_one_way(method: str, proof: str) -> None:
    mine = KEYS["ES256"]()
    network = HandMade(metadata={"token_endpoint_auth_methods_supported": ["tls_client_auth"]})
    key_and_method = {"private_key": json.dumps(mine.as_dict(private=True)), "token_auth": method}

    network.log_in(hand_made(network, settings=key_and_method))

    [sent] = network.to("token")
    proofs = ("client_assertion", "client_secret", "Authorization")
    assert [name for name in proofs if name in {**sent.form, **sent.headers}] == [proof] * bool(proof)


def assertion_of(form: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    signature = jws.extract_compact(form["client_assertion"].encode())
    return dict(signature.headers()), json.loads(signature.payload)


def test_an_assertion_is_short_for_the_issuer_alone_and_never_twice_the_same() -> None:
    mine = KEYS["ES256"]()
    network = HandMade()
    kit = hand_made(network, settings={"private_key": json.dumps(mine.as_dict(private=True)), "client_secret": None})
    browser = Browser()
    for _ in range(2):
        browser.come_back(kit, urlencode({"code": "c", "state": state_of(network.begin(kit, browser))}), "idp")

    first, second = [assertion_of(sent.form) for sent in network.to("token")]

    now = int(Clock()())
    assert first[0] == {"alg": "ES256", "kid": "mine", "typ": "JWT"}
    assert len(first[1].pop("jti")) == 22
    assert first[1] == {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": ISSUER, "iat": now, "exp": now + 60}
    assert second[1]["jti"] != assertion_of(network.to("token")[0].form)[1]["jti"]
    proof = {name: text for name, text in network.to("token")[0].form.items() if name.startswith("client_")}
    assert proof.pop("client_assertion")
    assert proof == {
        "client_id": CLIENT_ID,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }


def test_the_times_of_an_assertion_are_whole_seconds() -> None:
    mine = read_private_key(Secret(json.dumps(KEYS["ES256"]().as_dict(private=True))))

    said = assertion_of(SignedAssertion(CLIENT_ID, ISSUER, mine, "ES256", lambda: 1_800_000_000.75).form())[1]

    assert (said["iat"], said["exp"]) == (1_800_000_000, 1_800_000_060)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
@pytest.mark.parametrize("place", ["par", "token", "revoke"])
def test_what_proves_who_the_client_is_gets_into_no_error(method: str, place: str) -> None:
    """Not even where the provider says back what it was sent, as it was sent."""
    mine = KEYS["ES256"]()
    proof: dict[str, object] = {"client_secret": "canary-secret+/=", "token_auth": method}
    if method == "private_key_jwt":
        proof = {"client_secret": None, "private_key": json.dumps(mine.as_dict(private=True))}
    network = HandMade(metadata={"revocation_endpoint": f"{ISSUER}/revoke"}, par={"request_uri": "urn:x"})
    kit = hand_made(network, settings=proof)
    canaries: list[str] = []

    def echo(request: Any) -> Any:
        form = dict(parse_qsl(str(request.body)))
        header = request.headers.get("Authorization", "").removeprefix("Basic ")
        canaries.extend(filter(None, (header, form.get("client_secret"), form.get("client_assertion"))))
        return answer(request, 400, {"error": "invalid_request", "error_description": f"bad: {canaries[-1]}"})

    network.replies[place] = echo
    with pytest.raises(errors.AuthkitError) as caught:
        kit.revoke("idp", Token(Secret("an-access-token"))) if place == "revoke" else network.exchange(kit)

    assert len(canaries) == 1
    assert (caught.value.reason, caught.value.said) == ("invalid_request: bad: [redacted]", "bad: [redacted]")


def test_a_public_client_has_nothing_to_keep_out_of_an_error() -> None:
    network = HandMade(metadata={"token_endpoint_auth_methods_supported": ["none"]})
    kit = hand_made(network, settings={"client_secret": None})
    network.replies["token"] = (400, {"error": "invalid_grant", "error_description": "None is wrong"})

    with pytest.raises(errors.ProviderRejected) as caught:
        network.exchange(kit)

    assert caught.value.reason == "invalid_grant: None is wrong"


def test_a_secret_that_an_issuer_decodes_gets_into_no_error_either() -> None:
    network = HandMade()
    kit = hand_made(network, settings={"client_secret": "canary+/="})
    network.replies["token"] = (400, {"error": "invalid_grant", "error_description": "wrong: canary+/="})

    with pytest.raises(errors.ProviderRejected) as caught:
        network.exchange(kit)

    assert caught.value.reason == "invalid_grant: wrong: [redacted]"


def test_an_assertion_is_signed_as_the_issuer_wants_it() -> None:
    mine = KEYS["RS256"]()
    network = HandMade(metadata={"token_endpoint_auth_signing_alg_values_supported": ["PS256"]})
    kit = hand_made(network, settings={"private_key": json.dumps(mine.as_dict(private=True)), "client_secret": None})
    browser = Browser()

    browser.come_back(kit, urlencode({"code": "c", "state": state_of(network.begin(kit, browser))}), "idp")

    assert assertion_of(network.to("token")[0].form)[0]["alg"] == "PS256"


# The way back


def test_the_identity_is_the_issuers() -> None:
    login = World().sign_in(user=1)

    assert (login.identity.authority, login.identity.client) == (ISSUER, CLIENT_ID)
    assert login.identity.subject == login.token.subject == "1000002"


def test_two_issuers_with_one_client_id_and_one_subject_are_two_people() -> None:
    one, two = (World(replace(idp, issuer=issuer)).sign_in() for issuer in (ISSUER, "https://other.example"))

    assert (one.identity.client, one.identity.subject) == (two.identity.client, two.identity.subject)
    assert one.identity != two.identity
    assert one.identity.key != two.identity.key


def test_an_iss_that_nobody_announced_has_to_be_right() -> None:
    world = World(switches={"iss": "off"})
    url = world.emulator.approve(world.start())

    assert world.back(f"{url}&{urlencode({'iss': ISSUER})}").profile.subject == "1000001"
    for wrong in ("https://evil.example", f"{ISSUER}/", ""):
        url = world.emulator.approve(world.start())
        with pytest.raises(errors.IssuerMismatch):
            world.back(f"{url}&{urlencode({'iss': wrong})}")


def test_mix_01_the_iss_of_an_error_is_checked_too() -> None:
    world = World()
    url = world.emulator.deny(world.start())

    with pytest.raises(errors.IssuerMismatch):
        world.back(url.replace(urlencode({"iss": ISSUER}), urlencode({"iss": "https://evil.example"})))
    with pytest.raises(errors.AccessDenied):
        world.back(world.emulator.deny(world.start()))


def test_the_profile_is_that_of_the_standard_claims() -> None:
    user = {
        "sub": "user-1",
        "name": "Ada Example",
        "preferred_username": "ada",
        "picture": "https://people.example/ada.png",
        "email": "ada@people.example",
        "email_verified": True,
        "locale": "en",
    }
    login = World(users=[user]).sign_in()

    assert login.profile == Profile(
        subject="user-1",
        display_name="Ada Example",
        username="ada",
        avatar_url="https://people.example/ada.png",
        email="ada@people.example",
        email_verified=True,
        raw=login.profile.raw,
    )
    assert "nonce" not in login.profile.raw
    assert login.profile.raw["locale"] == "en"


def test_a_token_ends_by_the_clock_of_the_kit() -> None:
    network, browser = HandMade(), Browser()
    kit = hand_made(network)
    url = network.begin(kit, browser)
    network.replies["token"] = {**network.replies["token"], "expires_in": 600}  # type: ignore[dict-item]

    login = browser.come_back(kit, urlencode({"code": "c", "state": state_of(url)}), "idp")

    assert login.token.expires_at == datetime.fromtimestamp(Clock()() + 600, timezone.utc)


def test_a_plugin_may_make_the_profile_in_its_own_way() -> None:
    shouting = replace(idp, profile=lambda claims: Profile(claims["sub"], display_name=claims["name"].upper()))

    assert World(shouting).sign_in().profile == Profile("1000001", display_name="ADA EXAMPLE")


def test_a_plugin_may_not_make_another_user_of_it() -> None:
    other = World(replace(idp, profile=lambda claims: Profile(claims["email"])))

    with pytest.raises(errors.ProviderProtocolError, match="the token and the user info name different users"):
        other.sign_in()


def test_a_user_who_grants_less_tells_less() -> None:
    world = World()

    login = world.back(world.emulator.approve(world.start(), scopes=["profile"]))

    assert login.missing_scopes == ("email",)
    assert (login.profile.display_name, login.profile.email) == ("Ada Example", None)


def test_without_openid_there_is_no_start() -> None:
    with pytest.raises(errors.ConfigError, match="scope lacks openid; add it"):
        World(settings={"scope": "profile email"})


# Refresh, revocation, sign-out


def left_out(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return why the ID tokens of refreshes were left out, as the log says."""
    said = [record for record in caplog.records if record.name == "authkit.oidc.client"]
    assert all(record.levelname == "WARNING" for record in said)
    begin = f"{ISSUER}: the ID token of a refresh is left out: "
    assert all(record.getMessage().startswith(begin) for record in said)
    return [record.getMessage().removeprefix(begin) for record in said]


def test_a_refresh_may_come_without_an_id_token() -> None:
    world = World(switches={"refreshed_id_token": "off"})
    login = world.sign_in()

    fresh = world.kit.refresh("idp", login.token)

    assert fresh.access_token != login.token.access_token
    assert (fresh.id_token, fresh.subject) == (login.token.id_token, "1000001")


def test_a_refresh_of_a_stored_token_has_a_subject_to_be_held_to() -> None:
    world = World()
    stored = replace(world.sign_in().token, id_token=None, subject=None)

    assert world.kit.refresh("idp", stored).subject == "1000001"


def test_keys_that_cannot_be_had_are_missed_before_the_refresh_token_is_spent() -> None:
    world = World()
    login = world.sign_in()
    world.clock.now += 24 * 3600
    world.emulator.workbench.faults.add("jwks:503")
    before = len(world.sent("token"))

    with pytest.raises(errors.ProviderUnavailable):
        world.kit.refresh("idp", login.token)

    assert len(world.sent("token")) == before


def test_a_refresh_whose_id_token_is_broken_keeps_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    login = world.sign_in()
    world.turn("module", "invalid-sig-rs256")

    fresh = world.kit.refresh("idp", login.token)

    assert fresh.access_token != login.token.access_token
    assert fresh.refresh_token != login.token.refresh_token
    assert (fresh.id_token, fresh.subject) == (login.token.id_token, "1000001")
    assert left_out(caplog) == ["the ID token is not signed by a key of the issuer's that its header names"]
    world.turn("module", "plain")
    assert world.kit.refresh("idp", fresh).id_token != login.token.id_token


def test_a_token_is_revoked_where_the_metadata_say() -> None:
    world = World()
    login = world.sign_in()

    assert world.kit.revoke("idp", login.token)

    with pytest.raises(errors.ReauthRequired):
        world.kit.refresh("idp", login.token)


def test_an_issuer_without_a_revocation_endpoint_revokes_nothing() -> None:
    network = HandMade()
    kit = hand_made(network)

    assert kit.revoke("idp", network.log_in(kit).token) is False


def test_a_sign_out_goes_on_at_the_issuer() -> None:
    world = World()
    login = world.sign_in()

    url = world.kit.logout_url("idp", login.token.id_token)

    assert url.partition("?")[0] == f"{ISSUER}/end_session"
    assert login.token.id_token is not None
    assert query_of(url) == {
        "id_token_hint": login.token.id_token.reveal(),
        "client_id": CLIENT_ID,
        "post_logout_redirect_uri": "https://app.example/",
    }
    assert sorted(query_of(world.kit.logout_url("idp"))) == ["client_id", "post_logout_redirect_uri"]


def test_an_issuer_without_a_place_for_sign_outs_has_none() -> None:
    assert hand_made().logout_url("idp") == ""


def test_a_provider_of_plain_oauth_has_no_place_for_sign_outs() -> None:
    from fakes import make_kit

    assert make_kit().logout_url("acme") == ""


# An issuer made by hand


class HandMade(Network):
    """An issuer that says what a test wants: it is the network, and every answer is given by hand."""

    def __init__(self, *, metadata: dict[str, Any] | None = None, **replies: Any) -> None:
        document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            **({"pushed_authorization_request_endpoint": f"{ISSUER}/par"} if "par" in replies else {}),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            **(metadata or {}),
        }
        super().__init__(
            **{"openid-configuration": document, "jwks": {"keys": [public(key(), kid="one")]}, **replies}
        )

    def begin(self, kit: AuthKit, browser: Browser, **said: Any) -> str:
        """Begin a login, whose ID token says `said` besides the usual; return the authorization URL."""
        url = browser.start(kit, "idp")
        id_token = signed(claims(**{"nonce": query_of(url)["nonce"], **said})).reveal()
        self.replies["token"] = {"access_token": "a", "token_type": "Bearer", "id_token": id_token}
        return url

    def exchange(self, kit: AuthKit) -> Any:
        """Go through a login whose token answer is what `replies` say, in a kit that has begun none."""
        code_verifier = Secret("v" * 43)
        if "par" in self.replies:
            kit.begin("idp")
        return kit.exchange("idp", "c", code_verifier, "https://app.example/auth/idp/callback")

    def log_in(self, kit: AuthKit, **said: Any) -> Any:
        """Go through a whole login."""
        browser = Browser()
        url = self.begin(kit, browser, **said)
        return browser.come_back(kit, urlencode({"code": "c", "state": state_of(url)}), "idp")


def hand_made(
    network: HandMade | None = None,
    *,
    provider: OpenIDProvider = idp,
    settings: dict[str, object] | None = None,
    clock: Clock | None = None,
    **options: Any,
) -> AuthKit:
    """Return a kit that is registered at an issuer made by hand."""
    given = {"client_id": CLIENT_ID, "client_secret": "s", **(settings or {})}
    return AuthKit.from_settings(
        {
            "authkit.secret": SECRET,
            "authkit.base_url": "https://app.example",
            **{f"authkit.idp.{name}": value for name, value in given.items() if value is not None},
        },
        transport=network or HandMade(**options),
        clock=clock or Clock(),
        plugins=plugins_with(provider),
        environ={},
    )


def test_without_a_user_info_endpoint_the_id_token_says_who_it_is() -> None:
    network = HandMade()

    login = network.log_in(hand_made(network), name="Ada", email="a@people.example", email_verified=True)

    assert (login.profile.display_name, login.profile.email_verified) == ("Ada", True)
    assert sorted(login.profile.raw) == ["email", "email_verified", "name", "sub"]


@pytest.mark.parametrize(
    ("userinfo", "email", "is_verified"),
    [
        ({"email": "b@people.example"}, "b@people.example", False),
        ({"email": "b@people.example", "email_verified": True}, "b@people.example", True),
        ({}, "a@people.example", True),
        ({"email": None, "email_verified": True}, None, False),
    ],
)
def test_an_address_is_verified_only_by_who_gave_it(
    userinfo: dict[str, Any], email: str | None, is_verified: bool
) -> None:
    metadata = {"userinfo_endpoint": f"{ISSUER}/me"}
    network = HandMade(metadata=metadata, me={"sub": "user-1", **userinfo})

    login = network.log_in(hand_made(network), email="a@people.example", email_verified=True)

    assert (login.profile.email, login.profile.email_verified) == (email, is_verified)


@pytest.mark.parametrize("subject", [None, 1, ["user-1"]])
def test_user_info_of_nobody_is_no_login(subject: object) -> None:
    network = HandMade(metadata={"userinfo_endpoint": f"{ISSUER}/me"}, me={"sub": subject})

    with pytest.raises(errors.ProviderProtocolError, match="the user info has no sub"):
        hand_made(network).login_with("idp", Secret("an-access-token"))


def test_the_user_info_may_be_at_a_host_of_its_own() -> None:
    network = HandMade(metadata={"userinfo_endpoint": "https://api.example/me"}, me={"sub": "user-1", "name": "Ada"})

    assert network.log_in(hand_made(network)).profile.display_name == "Ada"


def test_a_plugin_may_read_refusals_in_its_own_way() -> None:
    def read_fault(data: Mapping[str, Any]) -> Refusal | None:
        return Refusal(data["fault"]) if "fault" in data else None

    network = HandMade(token={"fault": "not_today"})

    with pytest.raises(errors.ProviderRejected, match="not_today"):
        network.exchange(hand_made(network, provider=replace(idp, read_error=read_fault)))


def test_an_algorithm_that_the_metadata_do_not_name_is_refused() -> None:
    network = HandMade(metadata={"id_token_signing_alg_values_supported": ["ES256"]})

    with pytest.raises(errors.ProviderProtocolError, match="not signed, or not as the issuer announced"):
        network.log_in(hand_made(network))


def test_who_else_an_id_token_may_be_for_is_the_plugins_to_say() -> None:
    said: dict[str, Any] = {"aud": [CLIENT_ID, "api"], "azp": CLIENT_ID}
    network = HandMade()

    assert network.log_in(hand_made(network, provider=replace(idp, audiences=("api",))), **said)
    with pytest.raises(errors.ProviderProtocolError, match="also for somebody whom we do not trust"):
        network.log_in(hand_made(network), **said)


def test_a_refresh_asks_nobody_when_the_user_signed_in() -> None:
    world = World(replace(idp, max_age=100))
    login = world.sign_in()
    world.clock.now += 1000

    assert world.kit.refresh("idp", login.token).subject == "1000001"


STORED = Token(Secret("a"), Secret("r"), subject="user-1")
"""A token as the vault gives it."""


def refreshing(id_token: Secret, **options: Any) -> tuple[HandMade, AuthKit]:
    """Return an issuer that rotates refresh tokens and answers a refresh with an ID token, and a kit."""
    reply = {"access_token": "b", "token_type": "Bearer", "refresh_token": "r2", "id_token": id_token.reveal()}
    network = HandMade(token=reply)
    return network, hand_made(network, **options)


NOW = int(Clock()())
UNTRUSTED = {
    "the ID token is not signed by a key of the issuer's that its header names": signed(claims(), key(number=1)),
    "the ID token is not signed, or not as the issuer announced": signed(claims(), key("P-256"), algorithm="ES256"),
    "the ID token is malformed": Secret("no-id-token"),
    "the ID token has no sub": signed(claims(sub=7)),
    "the ID token is another issuer's": signed(claims(iss=None)),
    "the ID token is for another client": signed(claims(aud="somebody-else")),
    "the ID token was issued to another client: its azp": signed(claims(azp="somebody-else")),
    "the ID token has expired, or a clock is wrong": signed(claims(exp=NOW - 60)),
    "the ID token was issued long ago or in the future; is a clock wrong?": signed(claims(iat=NOW + 120)),
    "the ID token's at_hash is not that of the access token": signed(claims(at_hash="another's")),
}


@pytest.mark.parametrize("reason", UNTRUSTED)
def test_a_rotated_token_is_kept_whatever_the_id_token_beside_it(
    reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, kit = refreshing(UNTRUSTED[reason])

    assert kit.refresh("idp", STORED) == Token(Secret("b"), Secret("r2"), subject="user-1")

    assert left_out(caplog) == [reason]


@pytest.mark.parametrize("changed", [{}, {"aud": "somebody-else"}, {"exp": NOW - 60}, {"at_hash": "another's"}])
@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"sub": "user-2"}, "the ID token that came with the refresh is another user's"),
        ({"iss": "https://elsewhere.example"}, "the ID token that came with the refresh is another issuer's"),
    ],
)
def test_ref_03_a_signed_id_token_of_another_user_is_refused(
    named: dict[str, object], changed: dict[str, object], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, kit = refreshing(signed(claims(**named, **changed)))

    with pytest.raises(errors.ReauthRequired) as caught:
        kit.refresh("idp", STORED)

    assert caught.value.reason == reason
    assert left_out(caplog) == []


def test_an_issuer_whose_new_key_is_not_published_yet_costs_no_token(caplog: pytest.LogCaptureFixture) -> None:
    clock, id_token = Clock(), signed(claims(), key(number=1), kid="two")
    network, kit = refreshing(id_token, clock=clock)

    fresh = kit.refresh("idp", STORED)
    network.replies["jwks"] = {"keys": [public(key(), kid="one"), public(key(number=1), kid="two")]}
    clock.now += 30

    assert (fresh.refresh_token, fresh.id_token) == (Secret("r2"), None)
    assert kit.refresh("idp", fresh).id_token == id_token
    assert left_out(caplog) == ["the ID token is not signed by a key of the issuer's that its header names"]


def test_keys_that_are_too_old_once_the_answer_is_there_cost_no_token(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    network, kit = refreshing(signed(claims()), clock=clock)
    reply = network.replies["token"]

    def slowly(request: PreparedRequest) -> Response:
        clock.now += 24 * 3600
        network.replies["jwks"] = (503, {})
        return answer(request, 200, reply)

    network.replies["token"] = slowly

    assert kit.refresh("idp", STORED).refresh_token == Secret("r2")
    assert left_out(caplog) == ["HTTP 503"]


@pytest.mark.parametrize("said", [{}, {"email_verified": False}])
def test_a_user_info_without_an_address_verifies_none(said: dict[str, Any]) -> None:
    metadata = {"userinfo_endpoint": f"{ISSUER}/me"}
    network = HandMade(metadata=metadata, me={"sub": "user-1", "email_verified": True})

    profile = network.log_in(hand_made(network), email="a@people.example", **said).profile

    assert (profile.email, profile.email_verified) == ("a@people.example", False)
    assert {name: value for name, value in profile.raw.items() if name == "email_verified"} == said


@pytest.mark.parametrize("subject", [None, "", "user-2", 1, ["user-1"]])
def test_user_info_of_another_user_is_not_used(subject: object) -> None:
    network = HandMade(metadata={"userinfo_endpoint": f"{ISSUER}/me"}, me={"sub": subject, "name": "Eve"})

    with pytest.raises(errors.ProviderProtocolError, match="the user info has no sub, or that of another user"):
        network.log_in(hand_made(network))


def test_a_bare_access_token_is_its_owners_by_the_user_info() -> None:
    network = HandMade(metadata={"userinfo_endpoint": f"{ISSUER}/me"}, me={"sub": "user-1", "name": "Ada"})

    login = hand_made(network).login_with("idp", Secret("handed-in"))

    assert login.identity.key == "v1:https%3A%2F%2Fidp.example:emulated-client:user-1"


def test_a_bare_access_token_says_nothing_where_there_is_no_user_info() -> None:
    with pytest.raises(errors.ProviderProtocolError):
        hand_made().login_with("idp", Secret("handed-in"))


def test_a_token_answer_without_an_id_token_is_refused() -> None:
    network = HandMade()
    kit, browser = hand_made(network), Browser()
    url = network.begin(kit, browser)
    network.replies["token"] = {"access_token": "a", "token_type": "Bearer"}

    with pytest.raises(errors.ProviderProtocolError, match="has no ID token; does the scope have openid"):
        browser.come_back(kit, urlencode({"code": "c", "state": state_of(url)}), "idp")


def test_nothing_is_asked_before_a_login_needs_it_and_nothing_twice() -> None:
    network = HandMade()
    kit = hand_made(network)
    assert network.sent == []

    for _ in range(3):
        network.log_in(kit)

    paths = [urlsplit(sent.url).path for sent in network.sent]
    assert paths == ["/.well-known/openid-configuration", "/token", "/jwks", "/token", "/token"]
    for sent in network.to("openid-configuration") + network.to("jwks"):
        assert (sent.headers["Accept"], sent.headers["User-Agent"]) == ("application/json", "authkit")


def test_an_access_token_alone_says_nothing_where_there_is_no_user_info() -> None:
    with pytest.raises(errors.ProviderProtocolError) as caught:
        hand_made().login_with("idp", Secret("an-access-token"))

    assert (
        caught.value.reason
        == "the profile: the issuer has no user info endpoint, and without an ID token nobody says who it is"
    )


def test_an_issuer_on_this_machine_is_asked_without_tls() -> None:
    issuer = "http://127.0.0.1:8787"
    network = HandMade(metadata={"issuer": issuer})

    hand_made(network, settings={"issuer": issuer}).begin("idp")

    assert [sent.url for sent in network.sent] == [f"{issuer}/.well-known/openid-configuration"]


def test_metadata_that_are_not_there_ask_for_the_issuer() -> None:
    kit = hand_made(HandMade(**{"openid-configuration": (404, b"nothing here")}))

    with pytest.raises(errors.ProviderMisconfigured) as caught:
        kit.begin("idp")

    assert caught.value.reason == (
        f"{ISSUER}/.well-known/openid-configuration: HTTP 404, and no reason in the body; is the issuer right?"
    )


@pytest.mark.parametrize("said", ["access_denied", "insufficient_scope", "invalid_client", "invalid_token"])
@pytest.mark.parametrize("place", ["openid-configuration", "jwks"])
def test_an_issuer_that_shows_us_nothing_is_no_user_who_said_no(said: str, place: str) -> None:
    network = HandMade()
    kit = hand_made(network)
    network.replies[place] = (403, {"error": said})

    with pytest.raises(errors.ProviderMisconfigured) as caught:
        network.log_in(kit)

    assert caught.value.reason.endswith(f": {said}; is the issuer right?")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((503, b""), errors.ProviderUnavailable),
        ((200, b"<html>"), errors.ProviderProtocolError),
        ((200, []), errors.ProviderProtocolError),
        ((302, b""), errors.ProviderProtocolError),
        (ConnectionResetError(), errors.ProviderUnavailable),
    ],
)
@pytest.mark.parametrize("place", ["openid-configuration", "jwks"])
def test_what_an_issuer_cannot_say_is_a_clear_error(reply: Any, error: type[errors.AuthkitError], place: str) -> None:
    network = HandMade()
    kit = hand_made(network)
    network.replies[place] = reply

    with pytest.raises(error):
        network.log_in(kit)


def test_metadata_that_change_are_used_from_the_next_hour_on() -> None:
    network, clock = HandMade(), Clock()
    kit = hand_made(network, clock=clock)
    kit.begin("idp")
    network.replies["openid-configuration"] = {
        **network.replies["openid-configuration"],  # type: ignore[dict-item]
        "authorization_endpoint": f"{ISSUER}/new",
    }

    assert kit.begin("idp").url.startswith(f"{ISSUER}/authorize?")
    clock.now += 3600
    assert kit.begin("idp").url.startswith(f"{ISSUER}/new?")


def test_what_an_issuer_does_not_tell_anew_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    network, clock = HandMade(), Clock()
    kit = hand_made(network, clock=clock)
    network.log_in(kit)
    network.replies["openid-configuration"] = network.replies["jwks"] = (503, {})
    clock.now += 3600

    network.log_in(kit, iat=int(clock()), exp=int(clock()) + 300)

    said = [record.getMessage() for record in caplog.records if record.name == "authkit.oidc.kept"]
    assert [line.partition(" could not be fetched anew, what was known is used on: ")[0] for line in said] == [
        f"the metadata of {ISSUER}",
        f"the keys of {ISSUER}",
    ]
