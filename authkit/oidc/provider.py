"""`OpenIDProvider`: a provider that an issuer's address describes. Light: a web process may never use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from authkit.errors import ConfigError
from authkit.frozen import freeze
from authkit.models import Profile, Secret
from authkit.oidc.claims import map_claims
from authkit.provider import EventReader, Option
from authkit.providerclient import ProviderClient
from authkit.refusal import Refusal, read_refusal
from authkit.urls import check_url

if TYPE_CHECKING:
    from authkit.transport import Transport

__all__ = ["OpenIDProvider", "TokenAuth"]

TokenAuth: TypeAlias = Literal["auto", "client_secret_basic", "client_secret_post", "private_key_jwt", "none"]

MAX_ISSUER = 255
PROMPTS = {name: {"prompt": name} for name in ("login", "consent", "select_account")}
OPTIONS = (
    Option("issuer", (), "", "The issuer identifier of OpenID Connect, exactly as the issuer writes it."),
    Option("title", (), "", 'What people read after "Continue with"; the host of the issuer if not set.'),
    Option(
        "token_auth",
        get_args(TokenAuth),
        "auto",
        "How the client proves who it is; `auto` takes what the settings and the issuer's metadata allow.",
    ),
    Option(
        "private_key",
        (),
        "",
        "The key that signs for `private_key_jwt`, as a JSON Web Key or PEM.",
        is_secret=True,
    ),
)


OURS = frozenset(
    "client_id client_secret code_challenge code_challenge_method max_age nonce redirect_uri request request_uri "  # noqa: SIM905 - a list would take a page
    "response_mode response_type scope state".split()
)
"""The parameters that the core, or another field, answers for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIDProvider:
    """A provider of OpenID Connect: what an issuer's metadata do not say of it.

    Endpoints, keys and algorithms come from the issuer (OpenID Connect Discovery 1.0); state, nonce, PKCE and the
    checks of the ID token are the core's.

    Attributes:
        name: ``[a-z][a-z0-9-]{0,31}``; also the default name of a registration and a part of its routes.
        title: what people read after "Continue with".
        issuer: the issuer identifier, exactly as the issuer writes it; "" leaves it to each registration.
        default_scope: what is asked for unless the registration says otherwise.
        prompts: for each ``prompt`` that `AuthKit.begin` takes, the parameters that ask for it.
        params: what every authorization request says besides, such as Google's ``access_type``.
        token_auth: how the client proves who it is; ``auto`` takes what the settings and the metadata allow.
        max_age: how many seconds ago a user may have signed in at the issuer; who did earlier is asked again. None
            for any time.
        audiences: who else an ID token may be for; it must be for the client in any case.
        events: reads what the provider sends to a webhook, if it has any.
        read_error: finds a refusal in a token answer, an API answer or a callback.
        profile: makes a `Profile` of the claims of ID token and user info.
        private_key: the key that signs for ``private_key_jwt``. Settings supply it, never a plugin.

    Raises:
        ConfigError: a field cannot be what it is.
    """

    options: ClassVar[tuple[Option, ...]] = OPTIONS
    basic_scope: ClassVar[tuple[str, ...]] = ("openid",)
    is_secret_required: ClassVar[bool] = False

    name: str
    title: str
    issuer: str = ""
    default_scope: tuple[str, ...] = ("openid", "profile", "email")
    prompts: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: PROMPTS)
    params: Mapping[str, str] = field(default_factory=dict)
    token_auth: TokenAuth = "auto"
    max_age: int | None = None
    audiences: tuple[str, ...] = ()
    events: EventReader | None = None
    read_error: Callable[[Mapping[str, Any]], Refusal | None] = read_refusal
    profile: Callable[[Mapping[str, Any]], Profile] = map_claims
    private_key: Secret = field(default=Secret(""), repr=False)

    def __post_init__(self) -> None:
        for name in ("prompts", "params"):
            object.__setattr__(self, name, freeze(getattr(self, name)))
        if problem := _problem_of(self):
            raise ConfigError(f"provider {self.name!r}: {problem}")

    @property
    def authority(self) -> str:
        """Who vouches for a subject: the issuer, which every ID token is checked against."""
        return self.issuer

    def configured(self, options: Mapping[str, Any]) -> OpenIDProvider:
        """Return the provider of one registration. See `Configurable`."""
        issuer = options["issuer"] or self.issuer
        if not issuer:
            raise ValueError(f"issuer is missing: {OPTIONS[0].help}")
        if problem := _issuer_problem(issuer):
            raise ValueError(f"issuer {problem}")
        title = options["title"] or (self.title if issuer == self.issuer else urlsplit(issuer).hostname or self.title)
        token_auth = options["token_auth"] if options["token_auth"] != "auto" else self.token_auth
        private_key = options["private_key"]
        return replace(self, issuer=issuer, title=title, token_auth=token_auth, private_key=private_key)

    def client(self, client_id: str, client_secret: Secret, transport: Transport) -> ProviderClient:
        """Return what speaks to the issuer for one registered client.

        Raises:
            ConfigError: joserfc, which verifies signatures, is missing.
            ValueError: what ``token_auth`` needs is missing, or is no good.
        """
        try:
            from authkit.oidc.client import OpenIDClient
        except ModuleNotFoundError as exc:
            if exc.name != "joserfc":
                raise
            problem = ConfigError("OpenID Connect needs one more package: pip install 'authkit-core[oidc]'")
        else:
            return OpenIDClient(self, client_id, client_secret, transport)
        raise problem


def _problem_of(provider: Any) -> str:
    """Return what is wrong with the fields of `provider`, "" for nothing."""
    methods = get_args(TokenAuth)
    wrong = {
        "issuer": provider.issuer and _issuer_problem(provider.issuer),
        "default_scope": isinstance(provider.default_scope, str) and "must be a tuple of texts, not a text",
        "params": OURS & provider.params.keys()
        and f"must not have {', '.join(sorted(OURS & provider.params.keys()))}",
        "token_auth": provider.token_auth not in methods and f"must be one of: {', '.join(methods)}",
        "read_error": not callable(provider.read_error) and "must be a function",
        "profile": not callable(provider.profile) and "must be a function",
    }
    return "; ".join(f"{name} {problem}" for name, problem in wrong.items() if problem)


def _issuer_problem(issuer: str) -> str:
    """Return why something is no issuer identifier, "" if it is one (Discovery 1.0, section 3: no query)."""
    try:
        check_url(issuer)
    except ValueError as exc:
        return str(exc)
    if len(issuer) > MAX_ISSUER:
        return f"is longer than {MAX_ISSUER} characters, which no identity has room for"
    return "has a query, which no issuer has" if "?" in issuer else ""
