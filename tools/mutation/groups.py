"""Which modules are mutated, and which tests each has to face."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
NOT_MUTATED = {
    "authkit/__main__.py",
    "authkit/accounts/schema.py",  # it is the migrations that make tables; a test holds one to the other
}


@dataclass(frozen=True, slots=True)
class Group:
    """Modules that are mutated together, since the same tests are about them.

    Attributes:
        folder: where the modules stand.
        modules: patterns of their names, between blanks, without ``.py``.
        tests: patterns of the names of test files, between blanks, without ``test_`` and ``.py``.
    """

    folder: str
    modules: str
    tests: str

    def files(self) -> list[str]:
        """Return the modules of the group."""
        found = [path for name in self.modules.split() for path in sorted(ROOT.glob(f"{self.folder}/{name}.py"))]
        return [name for name in _names(found) if name not in NOT_MUTATED]

    def test_files(self) -> list[str]:
        """Return the files of tests of the group."""
        return _names(path for name in self.tests.split() for path in sorted(ROOT.glob(f"tests/test_{name}.py")))


def _names(paths: Iterable[Path]) -> list[str]:
    return list(dict.fromkeys(str(path.relative_to(ROOT)) for path in paths))


GROUPS = (
    Group(
        "authkit",
        """transactions seal query urls pkce replies registration registrations oauth2 flow api transport pool
        connection deadline breaker resolver settings keys sources candidates plugins events clientauth site cookies
        refusal provider providerclient answer body proxy tls jsontext keyring clients providersession models names
        jose frozen logtext clock audit adapters pages inspection""",
        """transactions seal query urls pkce replies oauth2 flow api transport registration registrations resolver
        clientauth refusal deadline breaker settings keys sources plugins plugins_attacks hookspecs events site
        cookies errors provider
        models jose jsontext frozen adapters pages answer body proxy tls clients imports providersession wire_faults
        outages
        tiktok_provider tiktok_quirks tiktok_faults tiktok_events
        pyramid_login pyramid_outages cli_keys oidc_provider native_loopback""",
    ),
    Group(
        "authkit/pyramid",
        "*",
        """frozen pyramid_login pyramid_config pyramid_csrf pyramid_errors pyramid_linking pyramid_accounts
        pyramid_identities pyramid_bearer pyramid_native pyramid_sessions pyramid_security_policy pyramid_webhooks
        pyramid_own_users pyramid_attacks pyramid_wire pyramid_nonsense pyramid_faults pyramid_limits
        pyramid_return_to pyramid_oidc native_openapi contract_pyramid""",
    ),
    Group("authkit/native", "*", "frozen native* pyramid_native pyramid_bearer imports"),
    Group("authkit/oidc", "*", "frozen oidc_* pyramid_oidc contract_openid native_openid"),
    Group(
        "authkit/accounts",
        "*",
        "frozen accounts_* vault_* pyramid_accounts pyramid_linking pyramid_webhooks cli_tokens",
    ),
    Group(
        "authkit_tiktok",
        "*",
        "frozen tiktok_provider tiktok_quirks tiktok_profile tiktok_rules tiktok_events contract_tiktok",
    ),
)
