"""What a server says of itself in its metadata, as the answers to the questions about a new plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests import RequestException, Response, Session
from requests.adapters import BaseAdapter

from authkit.errors import AuthkitError, ConfigError
from authkit.jsontext import read_json
from authkit.transport import MAX_BODY
from authkit.urls import check_url, origin_of

__all__ = ["check_https", "read_server_metadata"]

ENDPOINTS: Mapping[str, str] = {
    "authorize_url": "authorization_endpoint",
    "token_url": "token_endpoint",
    "userinfo_url": "userinfo_endpoint",
    "revoke_url": "revocation_endpoint",
}
TOKEN_AUTH: Mapping[str, str] = {"client_secret_basic": "basic", "client_secret_post": "body", "none": "none"}
USUAL_SCOPES = ("openid", "profile", "email")


def check_https(url: str) -> str:
    """Return `url` if it is one that a provider may have: absolute, and https.

    Raises:
        ValueError: it is not; the text goes on after the URL.
    """
    if url.startswith("http://"):
        raise ValueError(
            "is http; write https (an app sets another endpoint, such as an emulator's, in its settings)"
        )
    check_url(url)
    return url


def read_server_metadata(source: str, transport: BaseAdapter) -> Mapping[str, str]:
    """Return the answers that a metadata document gives (RFC 8414, or OpenID Connect Discovery 1.0).

    Args:
        source: the document's address, or the name of a file.
        transport: what fetches it.

    Raises:
        ConfigError: it cannot be read, or is of an issuer whose metadata are somewhere else, or names an endpoint
            that is not https, or knows no code flow.
    """
    is_address = "://" in source
    document = _fetched(source, transport) if is_address else _read(Path(source))
    try:
        issuer = _https(document, "issuer")
        _check_place(issuer, source if is_address else next(_places(issuer)))
        return dict(_answers(document, issuer))
    except ValueError as exc:
        problem = str(exc)
    raise ConfigError(f"the metadata at {source}: {problem}")


def _fetched(url: str, transport: BaseAdapter) -> Mapping[str, Any]:
    """Return the document at `url`, fetched over the bounded transport."""
    try:
        check_https(url)
    except ValueError as exc:
        raise ConfigError(f"--metadata {url} {exc}") from None
    response = _get(url, transport)
    if response.status_code != 200:
        raise ConfigError(f"{url} answered {response.status_code}, and no metadata")
    return _object(response.content, url)


def _get(url: str, transport: BaseAdapter) -> Response:
    try:
        with Session() as session:
            session.trust_env = False
            session.adapters.clear()
            session.mount("https://", transport)
            return session.get(url, headers={"Accept": "application/json", "User-Agent": "authkit"})
    except AuthkitError as error:
        problem = error.reason
    except RequestException as exc:
        problem = str(exc)
    raise ConfigError(f"{url}: {problem}")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BODY)
    except OSError as exc:
        raise ConfigError(f"--metadata {path}: {exc.strerror}") from None
    return _object(body, str(path))


def _object(body: bytes, source: str) -> Mapping[str, Any]:
    try:
        document = read_json(body)
    except AuthkitError as error:
        raise ConfigError(f"{source}: {error.reason}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{source}: the answer is JSON, but no object")
    return document


def _check_place(issuer: str, address: str) -> None:
    """Raise `ValueError` unless the metadata of `issuer` may be at `address`: otherwise anybody could write them."""
    if address not in _places(issuer):
        raise ValueError(
            f"its issuer {issuer!r} has its own elsewhere: {next(_places(issuer))} (RFC 8414, section 3.3)"
        )


def _places(issuer: str) -> Iterator[str]:
    """Yield where the metadata of `issuer` may be (RFC 8414, sections 3.1 and 5; OpenID Connect Discovery, 4.1)."""
    issuer = issuer.removesuffix("/")
    yield f"{issuer}/.well-known/openid-configuration"
    origin, path = origin_of(issuer), urlsplit(issuer).path
    for name in ("oauth-authorization-server", "openid-configuration"):
        yield f"{origin}/.well-known/{name}{path}"


def _answers(document: Mapping[str, Any], issuer: str) -> Iterator[tuple[str, str]]:
    """Yield the answers by the names of their questions.

    Raises:
        ValueError: a member of the document cannot be what it is.
    """
    for name, member in ENDPOINTS.items():
        if member in document:
            yield name, _https(document, member)
    if "code" not in _texts(document, "response_types_supported", ("code",)):
        raise ValueError(f"{issuer} knows no code flow (response_types_supported)")
    methods = _texts(document, "token_endpoint_auth_methods_supported", ("client_secret_basic",))
    for method, answer in TOKEN_AUTH.items():
        if method in methods:
            yield "token_auth", answer
            break
    else:
        raise ValueError(f"{issuer} takes no client secret, only {', '.join(methods)}")
    offered = _texts(document, "scopes_supported", ())
    if found := [scope for scope in USUAL_SCOPES if scope in offered]:
        yield "scope", " ".join(found)
    if "userinfo_endpoint" in document:
        yield "subject_field", "sub"  # OpenID Connect Core 1.0, section 5.3.2
        yield "subject_type", "text"
    if document.get("authorization_response_iss_parameter_supported") is True:
        yield "response_issuer", issuer


def _https(document: Mapping[str, Any], member: str) -> str:
    value = document.get(member)
    if not isinstance(value, str):
        raise ValueError(f"{member} is missing, or no text")  # noqa: TRY004 - the document is at fault
    try:
        return check_https(value)
    except ValueError as exc:
        raise ValueError(f"{member} {value!r} {exc}") from None


def _texts(document: Mapping[str, Any], member: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    values = document.get(member, otherwise)
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{member} is no list of texts")
    return tuple(values)
