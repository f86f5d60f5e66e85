"""`ProviderContract`: the tests that a provider passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from authkit.emulator import Drivable
from authkit.emulator.stock.resources import NO_RESOURCES, Resources
from authkit.provider import AnyProvider
from authkit.testing.provider.answers import AnswerTests
from authkit.testing.provider.authorization import AuthorizationTests
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.callback import CallbackTests
from authkit.testing.provider.challenge import ChallengeTests
from authkit.testing.provider.declaration import DeclarationTests, wait_for_provider
from authkit.testing.provider.emulators import emulator_for
from authkit.testing.provider.exchange import ExchangeTests
from authkit.testing.provider.faults import FaultTests
from authkit.testing.provider.login import LoginTests
from authkit.testing.provider.profile import ProfileTests
from authkit.testing.provider.refresh import RefreshTests
from authkit.testing.provider.refusals import RefusalTests
from authkit.testing.provider.revocation import RevocationTests
from authkit.testing.provider.scopes import ScopeTests
from authkit.testing.provider.secrecy import SecrecyTests
from authkit.testing.provider.sharing import SharingTests
from authkit.testing.provider.subject import SubjectTests
from authkit.testing.provider.userinfo import UserInfoTests

__all__ = ["CAPABILITIES", "ProviderContract"]

CAPABILITIES = ("email", "pkce", "prompt", "refresh", "revoke", "scopes")
"""What a provider may have not, so that the tests of it are skipped."""


class ProviderContract(
    DeclarationTests,
    AuthorizationTests,
    ChallengeTests,
    ExchangeTests,
    LoginTests,
    CallbackTests,
    ScopeTests,
    SubjectTests,
    ProfileTests,
    UserInfoTests,
    AnswerTests,
    RefusalTests,
    FaultTests,
    RefreshTests,
    RevocationTests,
    SharingTests,
    SecrecyTests,
):
    """Tests a provider as the core will use it, over an emulator and without a network.

    Attributes:
        provider: the provider.
        users: what its user info endpoint answers for each account, if the stock emulator cannot make that up.
        resources: what further addresses of its API answer, if its userinfo function calls any: a JSON object or
            array by address, or a function that makes it of the user info.
        challenge: what the provider documents as the PKCE challenge of the verifier in RFC 7636, appendix B,
            ``dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk``, if that is not ``E9Mel…`` as in the RFC.
        requires: those of `CAPABILITIES` whose tests may not be skipped.

    Raises:
        TypeError: `requires` has something else.

    Example:
        >>> from authkit import OAuth2Provider, Profile
        >>> from authkit.testing import ProviderContract
        >>> class TestAcme(ProviderContract):
        ...     provider = OAuth2Provider(
        ...         name="acme",
        ...         title="Acme",
        ...         authorize_url="https://acme.example/oauth/authorize",
        ...         token_url="https://acme.example/oauth/token",
        ...         userinfo_url="https://acme.example/api/me",
        ...         profile=lambda data: Profile(subject=data["id"], display_name=data["name"]),
        ...     )
    """

    provider: ClassVar[AnyProvider]
    users: ClassVar[Sequence[Mapping[str, Any]]] = ()
    resources: ClassVar[Resources] = NO_RESOURCES
    challenge: ClassVar[str] = ""
    requires: ClassVar[Sequence[str]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if unknown := set(cls.requires) - set(CAPABILITIES):
            raise TypeError(f"requires has {sorted(unknown)}, which are none of: {', '.join(CAPABILITIES)}")

    def new_emulator(self) -> Drivable:
        """Return a new emulator of the provider; override it to bring one of the plugin's own."""
        return emulator_for(self.provider, self.users, self.resources)

    def new_bench(self) -> Bench:
        """Return an app, a browser and an emulator for one test."""
        return Bench(self)

    @pytest.fixture
    def bench(self, request: pytest.FixtureRequest) -> Iterator[Bench]:
        """Give an app, a browser and an emulator."""
        wait_for_provider(getattr(self, "provider", None), request.function.__name__)
        with self.new_bench() as bench:
            yield bench
