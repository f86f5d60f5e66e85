"""`Places`: the paths at which the stock emulator answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from authkit.emulator.control import CONTROL_PATH
from authkit.provider import OAuth2Provider
from authkit.urls import check_url

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
        targets: path and query of each endpoint that the provider has, by the name of the provider's field, and of
            its further resources, by their address.
    """

    targets: Mapping[str, str]

    @classmethod
    def of(cls, provider: OAuth2Provider, resources: Collection[str] = ()) -> Places:
        """Return the provider's own places; the usual ones if two of its own are the same but for the host.

        A resource below the user info endpoint stays below it, since a provider's function finds it there.

        Raises:
            ValueError: the address of a resource is none, or has the path of another or of an endpoint.
        """
        own = {name: _target(url) for name in STANDARD if (url := getattr(provider, name))}
        others = {url: _target(_checked(url)) for url in resources}
        places = cls({**own, **others})
        if places.are_distinct:
            return places
        below = {url: url.removeprefix(provider.userinfo_url) for url in others} if provider.userinfo_url else {}
        moved = {url: STANDARD["userinfo_url"] + rest for url, rest in below.items() if rest != url}
        places = cls({**{name: STANDARD[name] for name in own}, **others, **moved})
        if not places.are_distinct:
            raise ValueError(f"the path of {' or '.join(resources)} is taken: by an endpoint, or by another resource")
        return places

    @property
    def are_distinct(self) -> bool:
        """Whether each has a path of its own, which is not the control page's."""
        paths = [self.path(name) for name in self.targets]
        return len(set(paths)) == len(paths) and not any(f"{path}/".startswith(CONTROL_PATH) for path in paths)

    def path(self, name: str) -> str:
        """Return the path of an endpoint, percent-decoded."""
        return unquote(self.targets[name].partition("?")[0])

    def urls(self, origin: str) -> Mapping[str, str]:
        """Return the addresses of the endpoints under another origin."""
        return {name: origin + self.targets[name] for name in STANDARD if name in self.targets}


def _checked(url: str) -> str:
    try:
        check_url(url)
    except ValueError as exc:
        raise ValueError(f"the address of the resource {url!r} {exc}") from None
    return url


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
