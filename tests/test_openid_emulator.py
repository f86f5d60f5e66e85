"""The OpenID Connect emulator as a whole: where it answers, who is there, and that nothing makes it fail."""

from __future__ import annotations

import subprocess
import sys

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from idp_world import CLIENT_ID, IDP, SECRET, World
from stock_world import CALLBACK

from authkit import Emulator, Profile
from authkit.emulator import (
    Configurable,
    HasWorkbench,
    OpenIDClient,
    OpenIDEmulator,
    WsgiTransport,
    serve,
)
from authkit.emulator.openid.extra import require_extra
from authkit.errors import ConfigError


@pytest.fixture
def world():
    return World()


# The issuer and what is below it


def test_it_is_an_emulator() -> None:
    emulator: Emulator = OpenIDEmulator()

    assert (emulator.provider, OpenIDEmulator(provider="google").provider) == ("oidc", "google")
    assert emulator.scopes == ("openid", "profile", "email", "address", "phone")
    assert OpenIDEmulator(clients=[OpenIDClient("a", "b", scopes=("openid",))]).scopes == ("openid",)
    assert isinstance(emulator, HasWorkbench)
    assert emulator.workbench.title == "OpenID Connect"
    assert set(emulator.workbench.endpoints) == {
        *("discovery", "jwks", "authorize", "consent", "token", "userinfo", "revoke", "par", "end_session")
    }


@pytest.mark.parametrize("origin", ["https://accounts.google.com", "http://127.0.0.1:8787", "http://[::1]:1"])
def test_the_issuer_is_wherever_somebody_comes(world, origin) -> None:
    document = world.http.get(f"{origin}/.well-known/openid-configuration").json()

    assert world.emulator.settings(f"{origin}/")["issuer"] == document["issuer"] == origin
    assert {url.rpartition("/")[0] for name, url in document.items() if name.endswith("_endpoint")} == {origin}


def test_the_issuer_of_a_socket_is_its_origin() -> None:
    with serve(OpenIDEmulator(), port=0) as server:
        document = requests.get(f"{server.origin}/.well-known/openid-configuration", timeout=10).json()

    assert document["issuer"] == server.origin


def test_the_issuer_of_an_emulator_that_is_mounted_has_that_path() -> None:
    emulator = OpenIDEmulator()

    def mounted(environ, start_response):
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/idp", environ["PATH_INFO"].removeprefix("/idp")
        return emulator(environ, start_response)

    http = requests.Session()
    http.mount("https://", WsgiTransport(mounted))
    document = http.get("https://app.example/idp/.well-known/openid-configuration").json()

    assert document["issuer"] == "https://app.example/idp"
    assert http.get(document["jwks_uri"]).status_code == 200


@pytest.mark.parametrize(
    ("given_issuer", "issuer"),
    [
        ("https://idp.example/realms/one", "https://idp.example/realms/one"),
        ("https://tenant.example/", "https://tenant.example/"),
        ("/realms/one", "https://idp.example/realms/one"),
        ("/b%C3%A9", "https://idp.example/b%C3%A9"),
    ],
)
def test_an_issuer_may_be_given_with_a_path_or_be_a_path(given_issuer, issuer) -> None:
    world = World(given_issuer)
    tokens = world.tokens()

    assert world.metadata()["issuer"] == issuer
    assert world.verified(tokens)["iss"] == world.callback()["iss"] == issuer
    assert world.userinfo(tokens)["sub"] == "1000001"


def test_an_issuer_that_is_given_stays_what_it_is() -> None:
    world = World("https://fixed.example")
    document = world.http.get("http://127.0.0.1:8787/.well-known/openid-configuration").json()

    assert document["issuer"] == "https://fixed.example"
    assert document["token_endpoint"] == "https://fixed.example/token"


def test_the_metadata_stand_where_rfc_8414_looks_for_them_too() -> None:
    world = World("/realms/one")

    assert world.http.get(f"{IDP}/.well-known/oauth-authorization-server/realms/one").json() == world.metadata()


@pytest.mark.parametrize(
    "issuer", ["idp.example", "http://idp.example", "https://idp.example?x", "https://idp.example#x", "/é"]
)
def test_what_is_no_issuer_is_refused(issuer) -> None:
    with pytest.raises(ValueError, match=r"^the issuer .* (has|is) "):
        OpenIDEmulator(issuer)


def test_the_document_says_what_the_server_does(world) -> None:
    assert world.metadata() == {
        "issuer": IDP,
        "authorization_endpoint": f"{IDP}/authorize",
        "token_endpoint": f"{IDP}/token",
        "userinfo_endpoint": f"{IDP}/userinfo",
        "jwks_uri": f"{IDP}/jwks",
        "revocation_endpoint": f"{IDP}/revoke",
        "end_session_endpoint": f"{IDP}/end_session",
        "pushed_authorization_request_endpoint": f"{IDP}/par",
        "require_pushed_authorization_requests": False,
        "scopes_supported": ["openid", "profile", "email", "address", "phone"],
        "claims_supported": world.metadata()["claims_supported"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        **{
            f"{endpoint}_endpoint_auth_{rest}": value
            for endpoint in ("token", "revocation")
            for rest, value in (
                ("methods_supported", ["client_secret_basic", "client_secret_post", "private_key_jwt"]),
                ("signing_alg_values_supported", ["RS256", "PS256", "ES256", "EdDSA"]),
            )
        },
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def test_an_emulator_without_clients_or_with_two_of_one_id_is_refused() -> None:
    for clients in ([], [OpenIDClient("a", "b"), OpenIDClient("a", "c")]):
        with pytest.raises(ValueError, match="at least one client, and each has an id of its own"):
            OpenIDEmulator(clients=clients)


def test_clients_and_users_come_from_json() -> None:
    assert isinstance(OpenIDEmulator, Configurable)
    app = {"client_id": "a", "client_secret": "b", "redirect_uris": [CALLBACK], "jwks": ""}
    emulator = OpenIDEmulator.configured([app], [{"sub": "u-1"}])

    assert emulator.clients == (OpenIDClient("a", "b", redirect_uris=(CALLBACK,)),)
    assert [user.profile.subject for user in emulator.users] == ["u-1"]
    assert OpenIDEmulator.configured([], []).settings(IDP)["client_id"] == "emulated-client"
    with pytest.raises(ValueError, match="OpenIDClient has no 'key'"):
        OpenIDEmulator.configured([{"key": "a"}], [])


# Keys


def test_a_key_is_public_and_says_what_it_is_for(world) -> None:
    (key,) = world.jwks()["keys"]

    assert {name: value for name, value in key.items() if name != "n"} == {
        "kty": "RSA",
        "e": "AQAB",
        "kid": "RS256-1",
        "alg": "RS256",
        "use": "sig",
    }
    assert len(key["n"]) == 342


def test_rotated_keys_leave_the_one_before_for_a_while(world) -> None:
    tokens, kids = world.tokens(), []
    for _ in range(3):
        kids.append([key["kid"] for key in world.jwks()["keys"]])
        world.emulator.rotate_keys()

    assert kids == [["RS256-1"], ["RS256-2", "RS256-1"], ["RS256-3", "RS256-2"]]
    assert world.verified(tokens, World().jwks())["sub"] == "1000001"


def test_keys_are_rotated_on_the_control_page_too() -> None:
    world = World()
    url = "http://127.0.0.1:1/_emulator/api/actions"
    answer = world.http.post(url, json={"name": "rotate-keys", "fields": {}})

    assert (answer.status_code, "there is a new signing key" in answer.text) == (200, True)
    assert world.jwks()["keys"][0]["kid"] == "RS256-2"


# People


def test_three_people_have_the_claims_of_the_scopes(world) -> None:
    ada = world.userinfo(world.tokens(scope="openid profile email address phone"))
    zoe = world.userinfo(world.tokens(scope="openid email phone", user=2))

    assert set(ada) <= set(world.metadata()["claims_supported"])
    assert (ada["name"], ada["preferred_username"], ada["updated_at"]) == ("Ada Example", "ada", 1_795_262_400)
    assert ada["address"]["country"] == "Nowhere"
    assert (ada["email_verified"], ada["phone_number_verified"]) == (True, True)
    assert zoe == {
        "sub": "1000003",
        "email": "zoe@people.example",
        "email_verified": False,
        "phone_number": "+1 555 0100 003",
        "phone_number_verified": False,
    }


def test_people_may_be_given_with_claims_of_their_own() -> None:
    world = World(users=[{"sub": "u-1", "name": "Uma", "hd": "corp.example", "groups": ["a"]}])

    assert world.userinfo(world.tokens(scope="openid")) == {"sub": "u-1", "hd": "corp.example", "groups": ["a"]}
    assert world.userinfo(world.tokens(user="u-1"))["name"] == "Uma"


@pytest.mark.parametrize("claims", [{}, {"sub": 1}, {"sub": ""}, {"sub": "x", "name": 1}, {"sub": "x", "y": {1}}])
def test_claims_that_are_nobody_s_are_refused(claims) -> None:
    with pytest.raises(ConfigError, match=r"users\[0\] is no user of 'oidc'"):
        OpenIDEmulator(users=[claims])


def test_somebody_is_enrolled_and_signs_in(world) -> None:
    profile = Profile(
        subject="1000002",
        display_name="Bea",
        username="bea",
        avatar_url="https://people.example/bea.png",
        email="bea@people.example",
        email_verified=True,
    )
    assert world.emulator.enrol(Profile(subject="new")) == "new"
    assert world.emulator.enrol(profile) == "1000002"

    assert [user.profile.subject for user in world.emulator.users] == ["1000001", "1000002", "1000003", "new"]
    assert world.userinfo(world.tokens(user="new")) == {"sub": "new"}
    assert world.userinfo(world.tokens(user="bea")) == {
        "sub": "1000002",
        "name": "Bea",
        "preferred_username": "bea",
        "picture": "https://people.example/bea.png",
        "email": "bea@people.example",
        "email_verified": True,
    }


def test_what_no_claim_says_cannot_be_enrolled(world) -> None:
    with pytest.raises(ValueError, match="no claim for union_id"):
        world.emulator.enrol(Profile(subject="new", union_id="u"))


def test_a_user_is_chosen_by_place_subject_or_username_and_a_subject_goes_first() -> None:
    users = [{"sub": "zoe"}, {"sub": "u-2", "preferred_username": "zoe"}, {"sub": "0", "preferred_username": "ben"}]
    world = World(users=users)
    chosen = [world.userinfo(world.tokens(user=user))["sub"] for user in ("zoe", "u-2", "0", "ben", 0, 1, 2)]

    assert chosen == ["zoe", "u-2", "0", "0", "zoe", "u-2", "0"]
    for user in (3, -1, "nobody", ""):
        with pytest.raises(ValueError, match=f"the emulator has no user {user!r}"):
            world.emulator.approve(world.url(), user=user)


def test_a_box_that_is_not_there_cannot_be_ticked(world) -> None:
    with pytest.raises(ValueError, match=r"the consent page has no box for phone$"):
        world.emulator.approve(world.url(), scopes=["openid", "phone"])


# Revocation, faults, and everything else


def test_a_refresh_token_is_revoked_with_its_access_token(world) -> None:
    tokens = world.tokens()
    answer = world.post("/revoke", {**world.by_post(), "token": tokens["refresh_token"]})

    assert answer.status_code == 200
    assert world.userinfo(tokens)["error"] == "invalid_token"
    assert world.refresh(tokens)["error"] == "invalid_grant"


PATHS = {
    "discovery": ("GET", "/.well-known/openid-configuration"),
    "jwks": ("GET", "/jwks"),
    "authorize": ("GET", "/authorize"),
    "token": ("POST", "/token"),
    "userinfo": ("GET", "/userinfo"),
    "revoke": ("POST", "/revoke"),
    "par": ("POST", "/par"),
    "end_session": ("GET", "/end_session"),
}


@pytest.mark.parametrize("endpoint", PATHS)
def test_every_endpoint_can_have_a_fault(endpoint) -> None:
    world, (method, path) = World(faults=[f"{endpoint}:503:once"]), PATHS[endpoint]

    assert [world.http.request(method, IDP + path).status_code == 503 for _ in range(2)] == [True, False]


def test_a_fault_takes_the_subject_out_of_the_user_info() -> None:
    world = World(faults=["userinfo:no-id"])

    assert world.userinfo(world.tokens(scopes=["email"])) == {"email": "ada@people.example", "email_verified": True}


def test_the_control_page_shows_people_clients_and_tokens(world) -> None:
    world.tokens()
    state = world.http.get("http://127.0.0.1:1/_emulator/api/state").json()

    assert [table["title"] for table in state["tables"]] == ["Users", "Clients", "Tokens"]
    assert {"module", "alg", "par", "client_auth"} < {switch["name"] for switch in state["switches"]}


TEXT = st.one_of(
    st.text(max_size=30), st.sampled_from(["e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "none", "openid", IDP])
)
NAMES = st.sampled_from(
    [
        *(
            "client_id",
            "client_secret",
            "client_assertion",
            "client_assertion_type",
            "request_uri",
            "request",
            "nonce",
        ),
        *("prompt", "max_age", "id_token_hint", "post_logout_redirect_uri", "state", "scope", "redirect_uri"),
        *("response_type", "grant_type", "code", "refresh_token", "token", "response_mode"),
    ]
)
HEADERS = st.dictionaries(st.sampled_from(["Authorization", "Host"]), st.text("abc :/é=\"'", max_size=20), max_size=2)


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(
    where=st.sampled_from(list(PATHS.values())),
    method=st.sampled_from(["GET", "POST", "PUT"]),
    query=st.dictionaries(NAMES, TEXT, max_size=4),
    form=st.dictionaries(NAMES, TEXT, max_size=6),
    headers=HEADERS,
)
def test_nothing_that_is_sent_makes_it_fail(where, method, query, form, headers) -> None:
    right = {"client_id": CLIENT_ID, "client_secret": SECRET, "response_type": "code", "redirect_uri": CALLBACK}
    for sent in (form, {**right, **form}):
        answer = FUZZED.http.request(
            method,
            IDP + where[1],
            params=query,
            data=sent,
            headers={name: text.strip().encode("latin-1") for name, text in headers.items()},
            allow_redirects=False,
        )
        assert answer.status_code < 500


FUZZED = World()


# The extra


def test_without_joserfc_it_says_how_to_get_it() -> None:
    with pytest.raises(ConfigError) as caught:
        require_extra(lambda name: None if name == "joserfc" else name)

    assert caught.value.reason == "the OpenID Connect emulator needs joserfc: pip install 'authkit-core[oidc]'"


@pytest.mark.slow
def test_without_joserfc_everything_is_imported_and_only_that_emulator_is_refused() -> None:
    code = """
import sys
from importlib.machinery import PathFinder
class Without:
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] == "joserfc" else PathFinder.find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Without()
from authkit.emulator import OpenIDClient, OpenIDEmulator, OpenIDSwitches
from authkit.errors import ConfigError
try:
    OpenIDEmulator()
except ConfigError as error:
    print(error.reason)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip().endswith("pip install 'authkit-core[oidc]'")


@pytest.mark.slow
def test_an_import_of_the_emulators_loads_no_joserfc() -> None:
    code = "import authkit.emulator, sys; print('joserfc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
