"""A provider of OpenID Connect, from settings: what can be set, and what is refused at start-up."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import warnings
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fakes import SECRET, Clock, Network, plugins_with
from joserfc.jwk import ECKey, OctKey, OKPKey
from markupsafe import escape
from openid_world import ISSUER, World, idp, key

from authkit import AuthKit, Secret, errors
from authkit.bundled import authkit_emulators, authkit_providers
from authkit.emulator import OpenIDEmulator
from authkit.oidc import OpenIDProvider
from authkit.oidc.assertion import SignedAssertion, read_private_key
from authkit.pages import Pages

CHECKOUT = Path(__file__).parent.parent
GOOGLE = "https://accounts.google.com"


def kit(*providers: Any, **settings: object) -> AuthKit:
    """Return a kit with the registration ``google`` of the built-in provider, or of the first of `providers`."""
    given: dict[str, object] = {
        "provider": providers[0].name if providers else "oidc",
        "client_id": "c",
        "client_secret": "s",
        **settings,
    }
    return AuthKit.from_settings(
        {
            "authkit.secret": SECRET,
            "authkit.base_url": "https://app.example",
            **{f"authkit.google.{name}": value for name, value in given.items() if value is not None},
        },
        transport=Network(),
        plugins=plugins_with(*providers) if providers else None,
        environ={},
    )


def refused(*providers: Any, **settings: object) -> str:
    with pytest.raises(errors.ConfigError) as caught:
        kit(*providers, **settings)
    return caught.value.reason


# The built-in plugin


def test_the_built_in_plugin_supplies_a_provider_for_any_issuer() -> None:
    assert authkit_providers() == [OpenIDProvider(name="oidc", title="OpenID Connect")]


def test_the_built_in_plugin_supplies_an_emulator_where_joserfc_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert authkit_emulators() == [OpenIDEmulator]

    monkeypatch.setitem(sys.modules, "joserfc", None)
    assert authkit_emulators() == []


def test_a_registration_names_its_issuer() -> None:
    registration = kit(issuer=GOOGLE).registrations["google"]

    assert registration.authority == GOOGLE
    assert registration.provider.title == "accounts.google.com"
    assert registration.scope == ("openid", "profile", "email")
    assert registration.redirect_uri == "https://app.example/auth/google/callback"


def test_a_registration_may_say_what_people_read() -> None:
    google = kit(issuer=GOOGLE, title="Google")

    assert "Continue with Google" in Pages(google).sign_in().html


@pytest.mark.parametrize("title", ["The Company's Login", "Größe & Söhne", "<b>Company</b>"])
def test_what_people_read_is_any_text(title: str) -> None:
    company = kit(issuer=GOOGLE, title=title)

    assert company.registrations["google"].provider.title == title
    assert f"Continue with {escape(title)}" in Pages(company).sign_in().html


@pytest.mark.parametrize("title", ["a\nb", "a\x00b", "a\u200bb"])
def test_what_people_read_has_nothing_that_they_cannot_see(title: str) -> None:
    assert "has an invisible character inside" in refused(issuer=GOOGLE, title=title)


def test_an_issuer_is_needed() -> None:
    assert refused() == (
        "authkit.google.issuer is missing: The issuer identifier of OpenID Connect, exactly as the issuer writes it."
    )


@pytest.mark.parametrize(
    ("issuer", "problem"),
    [
        ("http://idp.example", "is http; write https, which may be missing on a loopback host only"),
        ("idp.example", "is no absolute URL; write it as https://host/path"),
        ("https://idp.example?x=1", "has a query, which no issuer has"),
        ("https://idp.example#x", "has a user, a fragment or a port that it must not have"),
        ("https://idp.example/" + "x" * 236, "is longer than 255 characters, which no identity has room for"),
    ],
)
def test_an_issuer_is_an_https_url(issuer: str, problem: str) -> None:
    assert refused(issuer=issuer) == f"authkit.google.issuer {problem}"
    with pytest.raises(errors.ConfigError) as caught:
        OpenIDProvider(name="x", title="X", issuer=issuer)
    assert caught.value.reason == f"provider 'x': issuer {problem}"


def test_the_longest_issuer_that_an_identity_has_room_for() -> None:
    longest = "https://idp.example/" + "x" * 235

    assert kit(issuer=longest).registrations["google"].authority == longest


def test_endpoints_are_the_issuers_to_say() -> None:
    assert refused(issuer=GOOGLE, token_url="https://evil.example/token") == (
        "authkit.google.token_url cannot be set: OpenID Connect has no such thing in its data"
    )


def test_the_settings_of_an_issuer_are_no_settings_of_other_providers() -> None:
    from fakes import acme

    assert refused(acme, idp, issuer=GOOGLE) == "authkit.google.issuer is no setting of Acme"


def test_only_the_core_may_have_the_name() -> None:
    with pytest.raises(errors.ConfigError, match="reserved"):
        kit(OpenIDProvider(name="oidc", title="Mine"), issuer=GOOGLE)


def test_an_issuer_on_this_machine_is_spoken_to_without_tls() -> None:
    world = World(OpenIDProvider(name="idp", title="IdP"), settings={"issuer": "http://127.0.0.1:8787"})

    url = world.start()

    assert url.startswith("http://127.0.0.1:8787/authorize?")
    assert world.back(world.emulator.approve(url)).identity.authority == "http://127.0.0.1:8787"


# A plugin's own


def test_a_plugin_names_the_issuer_and_a_registration_may_name_another() -> None:
    google = OpenIDProvider(name="google", title="Google", issuer=GOOGLE)

    assert kit(google).registrations["google"].provider == google
    other = kit(google, issuer="http://127.0.0.1:8787").registrations["google"]
    assert (other.authority, other.provider.title) == ("http://127.0.0.1:8787", "127.0.0.1")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"default_scope": "openid"}, "default_scope must be a tuple of texts, not a text"),
        ({"params": {"state": "x", "nonce": "y"}}, "params must not have nonce, state"),
        (
            {"token_auth": "basic"},
            "token_auth must be one of: auto, client_secret_basic, client_secret_post, private_key_jwt, none",
        ),
        ({"read_error": None}, "read_error must be a function"),
        ({"read_error": "error"}, "read_error must be a function"),
        ({"profile": "sub"}, "profile must be a function"),
    ],
)
def test_a_field_that_cannot_be_is_found_at_once(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        OpenIDProvider(name="x", title="X", **fields)

    assert caught.value.reason == f"provider 'x': {problem}"


def test_all_that_cannot_be_is_named_at_once() -> None:
    with pytest.raises(errors.ConfigError) as caught:
        OpenIDProvider(name="x", title="X", profile="sub", read_error=None)  # type: ignore[arg-type]

    assert caught.value.reason == "provider 'x': read_error must be a function; profile must be a function"


def test_a_provider_is_read_only_all_the_way_down() -> None:
    provider = OpenIDProvider(name="x", title="X", params={"a": "b"})

    with pytest.raises(TypeError):
        provider.params["a"] = "c"  # type: ignore[index]
    with pytest.raises(TypeError):
        provider.prompts["login"]["prompt"] = "none"  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        provider.issuer = "https://evil.example"  # type: ignore[misc]


def test_a_field_is_said_by_its_name() -> None:
    with pytest.raises(TypeError):
        OpenIDProvider("x", "X")  # type: ignore[misc]


# What proves who the client is


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_method_with_a_secret_needs_one(method: str) -> None:
    assert refused(issuer=GOOGLE, client_secret=None, token_auth=method) == (
        f"authkit.google.client_secret is missing: token_auth is {method}"
    )


def test_a_method_with_a_key_needs_one() -> None:
    assert refused(issuer=GOOGLE, client_secret=None, token_auth="private_key_jwt") == (
        "authkit.google.private_key is missing: token_auth is private_key_jwt"
    )


def test_an_unknown_method_is_refused() -> None:
    assert refused(issuer=GOOGLE, token_auth="basic") == (
        "authkit.google.token_auth: 'basic' must be one of: "
        "auto, client_secret_basic, client_secret_post, private_key_jwt, none"
    )


def as_json(some_key: Any, **members: object) -> str:
    return json.dumps({**some_key.as_dict(private=some_key.is_private), **members})


@pytest.mark.parametrize(
    "text",
    [
        "no key",
        "{}",
        "{",
        '{"kty": "RSA"}',
        '{"kty": ["RSA"]}',
        as_json(OctKey.generate_key(256)),
        json.dumps(key("P-256").as_dict(private=False)),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        key("P-256").as_pem(private=False).decode(),
        as_json(ECKey.generate_key("secp256k1")),
        ECKey.generate_key("secp256k1").as_pem(private=True).decode(),
        as_json(OKPKey.generate_key("X25519")),
        OKPKey.generate_key("Ed448").as_pem(private=True).decode(),
    ],
    ids=[
        "a text",
        "empty",
        "cut",
        "no number",
        "a kind in a list",
        "symmetric",
        "public",
        "a PEM of nothing",
        "a public PEM",
        "another curve",
        "another curve as PEM",
        "one that agrees and does not sign",
        "Ed448",
    ],
)
def test_what_is_no_private_key_is_refused_and_not_shown(text: str) -> None:
    reason = refused(issuer=GOOGLE, private_key=text)

    assert reason == (
        "authkit.google.private_key is no private key of RSA, P-256, P-384, P-521 or Ed25519, "
        "as a JSON Web Key or PEM"
    )


def test_a_weak_key_is_refused() -> None:
    weak = generate_private_key(65537, 1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    assert refused(issuer=GOOGLE, private_key=weak.decode()) == (
        "authkit.google.private_key is weak: an RSA key has 2048 bits or more"
    )


@pytest.mark.parametrize(
    ("some_key", "algorithms"),
    [
        (key("RSA"), ("RS256", "PS256")),
        (key("P-256"), ("ES256",)),
        (ECKey.generate_key("P-384"), ("ES384",)),
        (ECKey.generate_key("P-521"), ("ES512",)),
        (OKPKey.generate_key("Ed25519"), ("EdDSA", "Ed25519")),
    ],
)
def test_a_key_signs_by_the_algorithm_of_its_kind(some_key: Any, algorithms: tuple[str, ...]) -> None:
    for text in (as_json(some_key, use="sig", key_ops=["sign"]), some_key.as_pem(private=True).decode()):
        found = read_private_key(Secret(text))

        assert (found.algorithms, found.kid) == (algorithms, "")
        assert found.algorithm_for(()) == algorithms[0]
        assert "d" not in repr(found).partition("kid")[0]


def test_what_else_an_app_is_warned_of_stays_its_own_affair() -> None:
    before = [*warnings.filters]

    read_private_key(Secret(as_json(key("RSA"))))

    assert before == [*warnings.filters]


def test_a_key_and_what_it_signs_for_stay_what_they_are() -> None:
    found = read_private_key(Secret(as_json(key("P-256"))))
    assertion = SignedAssertion("a-client", ISSUER, found, "ES256", Clock())

    with pytest.raises(FrozenInstanceError):
        found.kid = "another"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        assertion.audience = "https://evil.example"  # type: ignore[misc]


def test_a_key_signs_whatever_else_it_says_that_it_is_for() -> None:
    found = read_private_key(Secret(as_json(key("P-256"), use="enc", key_ops=["verify"], alg="ECDH-ES")))

    form = SignedAssertion("a-client", ISSUER, found, found.algorithm_for(()), Clock()).form()

    assert form["client_assertion"].count(".") == 2


def test_a_key_may_name_its_id_and_its_algorithm() -> None:
    found = read_private_key(Secret(as_json(key("RSA"), kid="mine", alg="PS256")))

    assert (found.kid, found.algorithms) == ("mine", ("PS256",))


def test_the_id_of_a_key_is_a_text() -> None:
    assert read_private_key(Secret(as_json(key("RSA"), kid=7))).kid == "7"


def test_a_key_may_stand_after_blanks() -> None:
    assert read_private_key(Secret(f"\n {as_json(key('P-256'))}")).algorithms == ("ES256",)


def test_an_algorithm_that_is_none_of_the_kind_is_not_taken() -> None:
    assert read_private_key(Secret(as_json(key("RSA"), alg="ES256"))).algorithms == ("RS256", "PS256")


def test_a_key_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(key("P-256").as_pem(private=True).replace(b"\n", b"\r\n"))

    registration = kit(issuer=GOOGLE, client_secret=None, private_key_file=str(path)).registrations["google"]

    assert registration.options["private_key"].reveal() == path.read_text().strip()
    assert "BEGIN" not in repr(registration)
    assert "private_key" not in repr(registration.provider)


# What a process loads


def run(code: str) -> str:
    """Return what a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=CHECKOUT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_without_its_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("client", "assertion"):
        monkeypatch.delitem(sys.modules, f"authkit.oidc.{name}")
    monkeypatch.setitem(sys.modules, "joserfc", None)

    assert refused(issuer=GOOGLE) == "OpenID Connect needs one more package: pip install 'authkit-core[oidc]'"


def test_what_else_is_missing_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "authkit.oidc.client", None)

    with pytest.raises(ModuleNotFoundError):
        kit(issuer=GOOGLE)


@pytest.mark.parametrize(
    ("issuer", "target"), [(GOOGLE, "https:"), ("http://127.0.0.1:8787", "http://127.0.0.1:8787")]
)
def test_a_form_of_ours_may_end_where_the_metadata_will_say(issuer: str, target: str) -> None:
    policy = Pages(kit(issuer=issuer)).sign_in().headers["Content-Security-Policy"]

    assert f"form-action 'self' {target};" in policy


def test_the_issuer_is_the_authority_of_a_registration_and_of_nothing_else() -> None:
    from fakes import make_kit

    assert kit(issuer=ISSUER).registrations["google"].authority == ISSUER
    assert make_kit().registrations["acme"].authority == "acme"
