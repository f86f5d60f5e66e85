"""`Blueprint`: what a new plugin is to be, as it was answered or read; and the names that follow from its name."""

from __future__ import annotations

import builtins
import keyword
from dataclasses import dataclass

from authkit.errors import ConfigError
from authkit.names import check_name

__all__ = ["Blueprint", "OAuth2Form", "OpenIDForm", "check_plugin_name"]

IN_THE_MODULE = frozenset({"annotations", "authkit_providers", "hookimpl", "read_profile"})
TAKEN = IN_THE_MODULE.union(keyword.kwlist, keyword.softkwlist, dir(builtins))
"""What a variable in the plugin's module must not be called, or it hides what is needed there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2Form:
    """A provider of the OAuth 2.0 code flow: the fields that an `authkit.OAuth2Provider` will have.

    Attributes:
        subject_field: where the user's id stands in the user info, the names of the members with dots between them.
        has_number: whether that is a JSON number.
        name_field: where the name to show stands, "" where there is none.
    """

    authorize_url: str
    token_url: str
    userinfo_url: str
    revoke_url: str = ""
    scope: tuple[str, ...] = ()
    token_auth: str = "basic"
    issuer: str = ""
    subject_field: str = "id"
    has_number: bool = False
    name_field: str = "name"


@dataclass(frozen=True, slots=True)
class OpenIDForm:
    """A provider of OpenID Connect: its issuer says the rest."""

    issuer: str


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a new plugin is to be.

    Attributes:
        name: the provider's name.
        title: what people read after "Continue with".
        form: what kind of provider it is.
    """

    name: str
    title: str
    form: OAuth2Form | OpenIDForm

    @property
    def distribution(self) -> str:
        """The name to install it by, and of its folder."""
        return f"authkit-{self.name}"

    @property
    def module(self) -> str:
        """The name to import it by."""
        return self.distribution.replace("-", "_")

    @property
    def variable(self) -> str:
        """What the provider is called in the module; with an underscore where Python wants the word for itself."""
        word = self.name.replace("-", "_")
        return f"{word}_" if word in TAKEN else word

    @property
    def test_class(self) -> str:
        """What the test class is called."""
        return "Test" + "".join(part.capitalize() for part in self.name.split("-"))


def check_plugin_name(name: str) -> str:
    """Return `name` if a provider, and the distribution ``authkit-<name>``, may be called so.

    Raises:
        ConfigError: it may not.
    """
    check_name(name, "provider")
    if name.endswith("-"):
        raise ConfigError(f"a distribution cannot be named authkit-{name}: its name must end in a letter or a digit")
    if name == "core":
        raise ConfigError("authkit-core is authkit itself; choose another name")
    return name
