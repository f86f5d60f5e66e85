"""The configuration of native sign-in: what is read once at start-up."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from authkit.errors import ConfigError
from authkit.flow import AuthKit
from authkit.native.apps import NativeApp, read_apps
from authkit.native.signingkeys import SigningKeys

__all__ = ["NativeConfiguration"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NativeConfiguration:
    """The native apps, and the keys that sign.

    Attributes:
        apps: the apps, by name.
        keys: the signing keys.
    """

    apps: Mapping[str, NativeApp]
    keys: SigningKeys

    @classmethod
    def of(cls, kit: AuthKit) -> NativeConfiguration:
        """Return what the settings of a kit say.

        Raises:
            ConfigError: the keys are missing or weak, or an app's address is none that it may have.
        """
        settings = kit.parts["native"]
        if settings["keys"] is None:
            raise ConfigError("authkit.native.keys is missing: make some with `authkit keys new`")
        if settings["accept_access_tokens"]:
            logger.warning(
                "authkit.native.accept_access_tokens = true: whoever got hold of a token of the provider, as any "
                "other app that a person signed in to has, can sign in as that person here"
            )
        return cls(read_apps(kit), SigningKeys(settings["keys"]))
