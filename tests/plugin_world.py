"""Plugins for tests: installed into a folder on the path, or made of functions."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from authkit import hookimpl

PLUGIN = """
from authkit import OAuth2Provider, Profile, hookimpl

provider = OAuth2Provider(
    name={provider!r},
    title="A",
    authorize_url="https://a.example/authorize",
    token_url="https://a.example/token",
    userinfo_url="https://a.example/me",
    profile=lambda data: Profile(data["id"]),
)


@hookimpl
def authkit_providers():
    return [provider]
"""


class Site:
    """A folder on ``sys.path`` into which distributions are installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, source: str = "", *, value: str = "", version: str = "1.0", dist: str = "") -> str:
        """Install a distribution with one module and one entry point `name`; return the name of the module."""
        module = f"authkit_of_test_{name.replace('-', '_')}"
        (self.folder / f"{module}.py").write_text(source or PLUGIN.format(provider=name), encoding="utf-8")
        dist = dist or f"dist-{name}"
        info = self.folder / f"{dist.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[authkit]\n{name} = {value or module}\n", encoding="utf-8")
        return module


def points_named(*names: str) -> list[EntryPoint]:
    """Return the installed entry points with these names."""
    return [point for point in entry_points(group="authkit") if point.name in names]


def plugin_of(name: str = "local", /, **hooks: Callable[..., Any]) -> Any:
    """Return a plugin that is no installed distribution, with these hooks."""
    return SimpleNamespace(__name__=name, **{hook: hookimpl(function) for hook, function in hooks.items()})
