"""What a server's metadata answer, and which are not believed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes import Network, answer

from authkit import Transport
from authkit.cli.servermetadata import read_server_metadata
from authkit.errors import ConfigError

ISSUER = "https://acme.example"
PLACE = f"{ISSUER}/.well-known/oauth-authorization-server"
ENDPOINTS: Mapping[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "response_types_supported": ["code"],
}
ANSWERS = {"authorize_url": f"{ISSUER}/authorize", "token_url": f"{ISSUER}/token", "token_auth": "basic"}


def serving(document: Any) -> Network:
    """Return a network in which every place of metadata answers `document`."""
    names = ("oauth-authorization-server", "openid-configuration", "tenant", "elsewhere")
    return Network(**dict.fromkeys(names, document))


def read(document: Any, url: str = PLACE) -> Mapping[str, str]:
    return read_server_metadata(url, Transport(serving(document)))


def refusal(document: Any, url: str = PLACE) -> str:
    with pytest.raises(ConfigError) as raised:
        read(document, url)
    return raised.value.reason


def test_the_endpoints_come_from_the_document() -> None:
    more = {"userinfo_endpoint": f"{ISSUER}/me", "revocation_endpoint": f"{ISSUER}/revoke"}

    assert read({**ENDPOINTS, **more}) == {
        **ANSWERS,
        "userinfo_url": f"{ISSUER}/me",
        "revoke_url": f"{ISSUER}/revoke",
        "subject_field": "sub",
        "subject_type": "text",
    }


def test_what_the_document_does_not_say_stays_open() -> None:
    assert read(ENDPOINTS) == ANSWERS


def test_it_is_asked_for_once_and_without_cookies_or_credentials() -> None:
    network = serving(ENDPOINTS)
    read_server_metadata(PLACE, Transport(network))

    (sent,) = network.sent
    assert (sent.method, sent.url, sent.body) == ("GET", PLACE, "")
    assert {name.lower() for name in sent.headers} == {"accept", "accept-encoding", "connection", "user-agent"}


@pytest.mark.parametrize(
    ("methods", "found"),
    [
        (["client_secret_post", "client_secret_basic"], "basic"),
        (["private_key_jwt", "client_secret_post", "none"], "body"),
        (["none"], "none"),
    ],
)
def test_the_client_secret_travels_in_a_way_that_the_server_takes(methods: list[str], found: str) -> None:
    assert read({**ENDPOINTS, "token_endpoint_auth_methods_supported": methods})["token_auth"] == found


def test_a_server_that_takes_no_client_secret_is_refused() -> None:
    assert refusal(
        {**ENDPOINTS, "token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"]}
    ) == (f"the metadata at {PLACE}: {ISSUER} takes no client secret, only private_key_jwt, tls_client_auth")


def test_the_scopes_of_openid_connect_are_asked_for_and_no_others() -> None:
    assert read({**ENDPOINTS, "scopes_supported": ["admin", "email", "openid"]})["scope"] == "openid email"
    assert "scope" not in read({**ENDPOINTS, "scopes_supported": ["admin"]})


@pytest.mark.parametrize(("value", "expected"), [(True, ISSUER), (False, None), ("true", None)])
def test_the_issuer_is_expected_in_callbacks_where_the_server_says_so(value: object, expected: str | None) -> None:
    found = read({**ENDPOINTS, "authorization_response_iss_parameter_supported": value})

    assert found.get("response_issuer") == expected


# Whose document it is


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://acme.example", "https://acme.example/.well-known/oauth-authorization-server"),
        ("https://acme.example", "https://acme.example/.well-known/openid-configuration"),
        ("https://acme.example/", "https://acme.example/.well-known/openid-configuration"),
        ("https://acme.example/tenant", "https://acme.example/tenant/.well-known/openid-configuration"),
        ("https://acme.example/tenant", "https://acme.example/.well-known/openid-configuration/tenant"),
        (
            "https://acme.example:8443/tenant",
            "https://acme.example:8443/.well-known/oauth-authorization-server/tenant",
        ),
    ],
)
def test_a_document_is_believed_where_its_issuer_has_it(issuer: str, url: str) -> None:
    assert read({**ENDPOINTS, "issuer": issuer}, url) == ANSWERS


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://bank.example", PLACE),
        ("https://acme.example/tenant", PLACE),
        ("https://acme.example", "https://acme.example:8443/.well-known/openid-configuration"),
        ("https://acme.example", "https://acme.example/.well-known/openid-configuration/tenant"),
        ("https://acme.example", "https://acme.example/elsewhere"),
    ],
)
def test_a_document_of_another_issuer_is_not_believed(issuer: str, url: str) -> None:
    assert refusal({**ENDPOINTS, "issuer": issuer}, url) == (
        f"the metadata at {url}: its issuer '{issuer}' has its own elsewhere: "
        f"{issuer}/.well-known/openid-configuration (RFC 8414, section 3.3)"
    )


@pytest.mark.parametrize("issuer", [None, 7, ["https://acme.example"]])
def test_a_document_without_an_issuer_is_nobodys(issuer: object) -> None:
    assert refusal({**ENDPOINTS, "issuer": issuer}) == f"the metadata at {PLACE}: issuer is missing, or no text"


@pytest.mark.parametrize(
    "url",
    ["http://acme.example/token", "http://127.0.0.1/token", "https://[", "//acme.example/token", "javascript:1"],
)
@pytest.mark.parametrize(
    "member", ["issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint"]
)
def test_an_endpoint_that_is_not_https_is_refused(member: str, url: str) -> None:
    assert refusal({**ENDPOINTS, member: url}).startswith(f"the metadata at {PLACE}: {member} '{url}' ")


def test_a_server_without_a_code_flow_is_refused() -> None:
    assert refusal({**ENDPOINTS, "response_types_supported": ["token"]}) == (
        f"the metadata at {PLACE}: {ISSUER} knows no code flow (response_types_supported)"
    )


@pytest.mark.parametrize("value", ["code", {"code": 1}, [1], None])
def test_a_list_that_is_none_is_refused(value: object) -> None:
    assert refusal({**ENDPOINTS, "response_types_supported": value}) == (
        f"the metadata at {PLACE}: response_types_supported is no list of texts"
    )


# What does not come at all


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((404, {}), f"{PLACE} answered 404, and no metadata"),
        ((200, b"<html>"), f"{PLACE}: the answer cannot be read: it is not JSON"),
        ((200, []), f"{PLACE}: the answer is JSON, but no object"),
        ((302, b""), f"{PLACE}: the provider answered 302; redirects are not followed"),
        (ConnectionRefusedError(), f"{PLACE}: connection refused"),
    ],
)
def test_an_address_that_answers_otherwise_is_named(reply: Any, reason: str) -> None:
    assert refusal(reply) == reason


def test_a_document_is_bounded() -> None:
    assert refusal(lambda request: answer(request, 200, b" " * 2_000_000)) == (
        f"{PLACE}: the answer is larger than 1048576 bytes"
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "http://acme.example/x", "ftp://acme.example/x"])
def test_an_address_that_is_not_https_is_not_asked(url: str) -> None:
    network = serving(ENDPOINTS)
    with pytest.raises(ConfigError) as raised:
        read_server_metadata(url, Transport(network))

    assert raised.value.reason.startswith(f"--metadata {url} is ")
    assert network.sent == []


def test_an_address_that_no_request_can_have_is_refused() -> None:
    assert refusal(ENDPOINTS, "https://.acme.example/").startswith("https://.acme.example/: ")


def test_a_file_is_read_without_asking_anybody(tmp_path: Path) -> None:
    file, network = tmp_path / "metadata.json", serving({})
    file.write_text(json.dumps(ENDPOINTS), encoding="utf-8")

    assert read_server_metadata(str(file), Transport(network)) == ANSWERS
    assert network.sent == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        read_server_metadata(str(tmp_path / "nothing.json"), Transport(serving({})))

    assert raised.value.reason == f"--metadata {tmp_path / 'nothing.json'}: No such file or directory"
