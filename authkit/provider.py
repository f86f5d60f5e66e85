"""What a plugin supplies: `OAuth2Provider`, a provider as data, and the small protocols for everything else.

A provider is a value. It holds nothing of a user, a client or a login, and it never sees a request, a session
or a cookie: state, PKCE verifier, single use and expiry are the core's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable
from urllib.parse import parse_qsl

from authkit import errors, pkce
from authkit.frozen import freeze
from authkit.models import Profile, ProviderEvent, Secret, Token
from authkit.providerclient import ProviderClient
from authkit.refusal import Refusal, read_refusal
from authkit.urls import check_url

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from authkit.transport import Transport

__all__ = [
    "AnyProvider",
    "Api",
    "Configurable",
    "Emulator",
    "EventReader",
    "OAuth2Provider",
    "Option",
    "Provider",
]


CLIENT_AUTH = ("basic", "body", "none")
REVOCABLE = ("access_token", "refresh_token")
FUNCTIONS = ("profile", "userinfo", "read_error", "check_redirect_uri")
OURS = frozenset(("code_challenge", "code_challenge_method", "redirect_uri", "response_type", "scope", "state"))
"""The parameters that every authorization request has; besides them, the client id."""


class Api(Protocol):
    """A provider's API, called for one user: with the Bearer header, over the shared and bounded transport.

    Only the origins of the registration's own endpoints are reached; any other address raises
    `ProviderProtocolError`. A refusal that the provider's `read_error` finds is raised as the error it means.
    """

    @property
    def userinfo_url(self) -> str:
        """The user info endpoint of this registration, which may stand in for the provider's usual one."""
        ...

    def get_json(self, url: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """GET `url` and return the JSON object that it answers."""
        ...

    def get_list(self, url: str, params: Mapping[str, str] | None = None) -> Sequence[Any]:
        """GET `url` and return the JSON array that it answers."""
        ...

    def post_json(
        self, url: str, payload: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """POST `payload` as JSON to `url` and return the JSON object that it answers."""
        ...


def fetch_userinfo(api: Api, token: Token) -> Mapping[str, Any]:  # noqa: ARG001 - others need the token
    """Ask the user info endpoint, without parameters."""
    return api.get_json(api.userinfo_url)


def accept_redirect_uri(uri: str, options: Mapping[str, str]) -> None:
    """Accept any redirect URI that the core accepts."""


class EventReader(Protocol):
    """Knows how a provider signs and writes what it sends to a webhook. It decides nothing: the core does."""

    def verify(self, headers: Mapping[str, str], body: bytes, client_secret: Secret) -> int:
        """Return when `body` was signed, in seconds since the epoch.

        Args:
            headers: the request's headers, their names in lower case.
            body: the body as it came, byte for byte.
            client_secret: the secret of the registration that it came to.

        Raises:
            WebhookRejected: the signature is missing or wrong. Compare in constant time.
        """
        ...

    def read(self, body: bytes) -> ProviderEvent:
        """Return what `body` says, once it is known to be the provider's.

        Raises:
            WebhookRejected: it makes no sense.
        """
        ...


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of the provider's own, ``authkit.<registration>.<name>``.

    Attributes:
        name: the name.
        choices: the values that it may have; empty for any text.
        default: the value when it is not set.
        help: one line for the docs.
        is_secret: whether its value is never shown, and may stand in a file named by ``<name>_file``. It is then
            a `Secret`.
    """

    name: str
    choices: tuple[str, ...]
    default: str
    help: str
    is_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2Provider:
    """A provider of the OAuth 2.0 authorization code flow, as data.

    What the RFCs say is the default; what a provider does differently is a field with another value. The last
    five fields are plain functions.

    Attributes:
        name: ``[a-z][a-z0-9-]{0,31}``; also the default name of a registration and a part of its routes.
        title: what people read after "Continue with".
        authorize_url: the authorization endpoint.
        token_url: the token endpoint.
        userinfo_url: where the profile is fetched from.
        revoke_url: the revocation endpoint (RFC 7009), if there is one.
        default_scope: what is asked for unless the registration says otherwise.
        basic_scope: what every registration must ask for, because there is no profile without it.
        client_id_param: what the provider calls the client id, on the wire and in settings.
        token_auth: how the client secret travels: ``basic`` (the Authorization header, RFC 6749, section 2.3.1),
            ``body`` (the form), or ``none`` for a public client that has no secret.
        scope_separator: what stands between scopes on the wire. Reading accepts comma and blank alike.
        granted_scope_param: a parameter of the callback that lists the granted scopes, if there is one.
        subject_param: the member of the token answer that holds the user's id, if there is one; it is compared
            with the profile's subject.
        revoke_with: the token that the revocation endpoint wants.
        prompts: for each ``prompt`` that `AuthKit.begin` takes, the parameters that ask for it. Native apps with a
            private scheme need one of the names ``consent``, ``select_account`` and ``login``.
        issuer: the issuer identifier, if this server sends ``iss`` with its answers (RFC 9207): then it must.
        options: settings of the provider's own.
        events: reads what the provider sends to a webhook, if it has any.
        code_challenge: makes the PKCE challenge from the verifier; None turns PKCE off.
        read_error: finds a refusal in a token answer, an API answer or a callback.
        userinfo: fetches what `profile` reads; the default asks `userinfo_url`.
        profile: makes a `Profile` of what `userinfo` returned.
        check_redirect_uri: raises `ValueError` for a redirect URI that the provider would not register.

    Raises:
        ConfigError: a field cannot be what it is.
    """

    name: str
    title: str
    authorize_url: str
    token_url: str
    profile: Callable[[Mapping[str, Any]], Profile]
    userinfo_url: str = ""
    revoke_url: str = ""
    default_scope: tuple[str, ...] = ()
    basic_scope: tuple[str, ...] = ()
    client_id_param: str = "client_id"
    token_auth: Literal["basic", "body", "none"] = "basic"
    scope_separator: str = " "
    granted_scope_param: str = ""
    subject_param: str = ""
    revoke_with: Literal["access_token", "refresh_token"] = "refresh_token"
    prompts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    issuer: str = ""
    options: tuple[Option, ...] = ()
    events: EventReader | None = None
    code_challenge: Callable[[str], str] | None = pkce.s256
    read_error: Callable[[Mapping[str, Any]], Refusal | None] = read_refusal
    userinfo: Callable[[Api, Token], Mapping[str, Any]] = fetch_userinfo
    check_redirect_uri: Callable[[str, Mapping[str, str]], None] = accept_redirect_uri

    @property
    def is_secret_required(self) -> bool:
        """Whether a registration needs a client secret."""
        return self.token_auth != "none"

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompts", freeze(self.prompts))
        object.__setattr__(self, "options", tuple(self.options))
        for name in ("default_scope", "basic_scope"):
            scope = getattr(self, name)
            object.__setattr__(self, name, scope if isinstance(scope, str) else tuple(scope))
        if problem := _problem_of(self):
            raise errors.ConfigError(f"provider {self.name!r}: {problem}")


def _problem_of(provider: Any) -> str:
    """Return what is wrong with the fields of `provider`, "" for nothing: no login shall be the first to find out."""
    wrong = {
        "token_auth": provider.token_auth not in CLIENT_AUTH and f"must be one of: {', '.join(CLIENT_AUTH)}",
        "revoke_with": provider.revoke_with not in REVOCABLE and f"must be one of: {', '.join(REVOCABLE)}",
        "default_scope": isinstance(provider.default_scope, str) and "must be a tuple of texts, not a text",
        "basic_scope": isinstance(provider.basic_scope, str) and "must be a tuple of texts, not a text",
        "code_challenge": not callable(provider.code_challenge or pkce.s256) and "must be a function, or None",
        "userinfo_url": provider.userinfo is fetch_userinfo and not provider.userinfo_url and "is missing",
        **{name: not callable(getattr(provider, name)) and "must be a function" for name in FUNCTIONS},
    }
    problems = [f"{name} {problem}" for name, problem in wrong.items() if problem]
    return "; ".join([*problems, *_bad_urls(provider), *_taken_params(provider)])


def _bad_urls(provider: OAuth2Provider) -> Iterator[str]:
    for name in ("authorize_url", "token_url", "userinfo_url", "revoke_url"):
        url = getattr(provider, name)
        try:
            if url or name in ("authorize_url", "token_url"):
                check_url(url)
        except ValueError as exc:
            yield f"{name} {url!r} {exc}"


def _taken_params(provider: OAuth2Provider) -> Iterator[str]:
    """Give what sets a parameter that authkit sets: none may be sent twice (RFC 6749, section 3.1)."""
    query = provider.authorize_url.partition("?")[2]
    params: dict[str, Mapping[str, str]] = {"authorize_url": dict(parse_qsl(query, keep_blank_values=True))}
    params |= {f"prompts[{name!r}]": prompt for name, prompt in provider.prompts.items()}
    for place, names in params.items():
        if taken := sorted({*OURS, provider.client_id_param} & names.keys()):
            yield f"{place} sets {', '.join(taken)}, which authkit sets by itself"


@runtime_checkable
class Provider(Protocol):
    """A provider that is no OAuth 2.0 code flow as data: it brings its own client.

    It may have more of what an `OAuth2Provider` has, and the core then reads it: ``basic_scope``, ``prompts``,
    ``events``, ``client_id_param``, ``is_secret_required``; and ``authority``, who vouches for its subjects, if that
    is not the provider's name.
    """

    @property
    def name(self) -> str:
        """``[a-z][a-z0-9-]{0,31}``; also the default name of a registration and a part of its routes."""
        ...

    @property
    def title(self) -> str:
        """What people read after "Continue with"."""
        ...

    @property
    def default_scope(self) -> tuple[str, ...]:
        """What is asked for unless the registration says otherwise."""
        ...

    def client(self, client_id: str, client_secret: Secret, transport: Transport) -> ProviderClient:
        """Return what speaks to the provider for one registered client."""
        ...


@runtime_checkable
class Configurable(Provider, Protocol):
    """A provider that each registration's settings make another value of, such as one for an issuer."""

    @property
    def options(self) -> tuple[Option, ...]:
        """The settings of the provider's own."""
        ...

    def configured(self, options: Mapping[str, Any]) -> Provider:
        """Return the provider of one registration.

        Args:
            options: the value of each option, by name.

        Raises:
            ValueError: they do not go together; the message names the option and the fix.
        """
        ...


AnyProvider: TypeAlias = OAuth2Provider | Provider


class Emulator(Protocol):
    """A WSGI application that behaves as one provider does, for development and tests."""

    @property
    def provider(self) -> str:
        """The name of the provider that is emulated."""
        ...

    @property
    def scopes(self) -> Sequence[str]:
        """What the emulated app may ask for."""
        ...

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        ...

    def settings(self, origin: str) -> Mapping[str, str]:
        """Return the settings of a registration that uses the emulator at `origin`, without their prefix.

        ``{"client_key": …, "client_secret": …, "authorize_url": origin + …}``
        """
        ...
