"""`Places`: the paths at which the stock emulator answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from authkit.emulator.control import CONTROL_PATH
from authkit.provider import OAuth2Provider

__all__ = ["Places"]

STANDARD = {
    "authorize_url": "/authorize",
    "token_url": "/token",
    "userinfo_url": "/userinfo",
    "revoke_url": "/revoke",
}


@dataclass(frozen=True, slots=True)
class Places:
    """The provider's endpoints at an emulator.

    Attributes:
        targets: path and query of each endpoint that the provider has, by the name of the provider's field.
    """

    targets: Mapping[str, str]

    @classmethod
    def of(cls, provider: OAuth2Provider) -> Places:
        """Return the provider's own places; the usual ones if two of its own are the same but for the host."""
        urls = {name: getattr(provider, name) for name in STANDARD}
        own = {name: _target(url) for name, url in urls.items() if url}
        places = cls(own)
        paths = [places.path(name) for name in own]
        is_usable = len(set(paths)) == len(paths) and not any(f"{path}/".startswith(CONTROL_PATH) for path in paths)
        return places if is_usable else cls({name: STANDARD[name] for name in own})

    def path(self, name: str) -> str:
        """Return the path of an endpoint, percent-decoded."""
        return unquote(self.targets[name].partition("?")[0])

    def urls(self, origin: str) -> Mapping[str, str]:
        """Return the addresses under another origin."""
        return {name: origin + target for name, target in self.targets.items()}


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
