"""``authkit plugins``: every plugin that was found, and why one is not usable."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as IniError
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text

from authkit.errors import ConfigError
from authkit.oidc import OpenIDProvider
from authkit.plugins import PluginInfo, Plugins, load_plugins
from authkit.provider import OAuth2Provider
from authkit.settings import allowed_plugins, read_settings

__all__ = ["Report", "read_ini", "report", "told_once"]

APP_VARIABLES = ("AUTHKIT_BASE_URL", "AUTHKIT_SECRET")
"""What every app needs: where the environment has neither, it is not the environment of an app."""
SETTINGS = "settings: "
"""What stands before a problem with the settings."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One plugin, with the registrations that use it."""

    plugin: PluginInfo
    registrations: tuple[str, ...]
    endpoints: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Report:
    """What ``authkit plugins`` says.

    Attributes:
        entries: the plugins.
        problem: what is wrong with the settings, or between two plugins; "" when nothing is.
    """

    entries: tuple[Entry, ...]
    problem: str = ""

    @property
    def is_good(self) -> bool:
        """Whether everything that was found can be used."""
        return not self.problem and not any(entry.plugin.problem for entry in self.entries)

    def only(self, name: str) -> Report:
        """Return the report of the one plugin, or of the plugin that supplies the one provider, `name`."""
        entries = tuple(entry for entry in self.entries if name in (entry.plugin.name, *entry.plugin.providers))
        if not entries:
            raise ConfigError(f"no plugin is named {name!r}; installed are: {', '.join(self._names()) or 'none'}")
        return replace(self, entries=entries)

    def _names(self) -> list[str]:
        return [entry.plugin.name for entry in self.entries]

    def to_json(self) -> str:
        """Return the report for machines."""
        plugins = [
            {**asdict(entry.plugin), "registrations": entry.registrations, "endpoints": entry.endpoints}
            for entry in self.entries
        ]
        return json.dumps({"plugins": plugins, "problem": self.problem}, indent=2)

    def to_table(self) -> Group:
        """Return the report for people."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("plugin", "provider", "distribution", "version", "hooks", "registrations", "usable"):
            table.add_column(title, overflow="fold")
        for entry in self.entries:
            plugin = entry.plugin
            table.add_row(
                plugin.name,
                ", ".join(plugin.providers) or "-",
                plugin.distribution,
                plugin.version,
                ", ".join(hook.removeprefix("authkit_") for hook in plugin.hooks) or "-",
                ", ".join(entry.registrations) or "-",
                Text("no", "red") if plugin.problem else Text("yes", "green"),
            )
        if not self.entries:
            return Group(Text("No plugin was found. For TikTok: pip install authkit-tiktok"), *self._problem())
        return Group(table, *self._broken(), *self._problem())

    def to_details(self) -> Group:
        """Return everything about the plugins of the report."""
        parts: list[Text | Table] = []
        for entry in self.entries:
            plugin = entry.plugin
            parts.append(Text(f"{plugin.name}: {plugin.distribution} {plugin.version}", "bold"))
            grid = Table(box=None, pad_edge=False, show_header=False)
            grid.add_row("usable", Text(plugin.problem, "red") if plugin.problem else Text("yes", "green"))
            grid.add_row("hooks", ", ".join(plugin.hooks) or "-")
            grid.add_row("registrations", ", ".join(entry.registrations) or "-")
            for provider, endpoints in entry.endpoints.items():
                grid.add_row("provider", provider)
                for name, value in endpoints.items():
                    grid.add_row(f"  {name}", value or "-")
            parts.append(grid)
        return Group(*parts, *self._problem())

    def _broken(self) -> list[Text]:
        """Return what is wrong with the plugins; what two of them share is said once."""
        labels: dict[str, list[str]] = {}
        for entry in self.entries:
            labels.setdefault(entry.plugin.problem, []).append(entry.plugin.label)
        return [Text(f"\n{', '.join(labels[text])}: {text}", "red") for text in labels if text]

    def _problem(self) -> list[Text]:
        """Return what is wrong besides: what is between two plugins has been said of both."""
        said = ["", *(entry.plugin.problem for entry in self.entries)]
        return [] if self.problem.removeprefix(SETTINGS) in said else [Text(f"\n{self.problem}", "red")]


def read_ini(path: Path) -> Mapping[str, str]:
    """Return the settings with the prefix ``authkit.`` in an ini file, of whatever section.

    ``%(here)s`` is the folder of the file, as PasteDeploy has it.

    Raises:
        ConfigError: it is no ini file.
    """
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (IniError, UnicodeError) as exc:
        # The error's own text quotes the line, and with it a secret that lacks its equals sign.
        raise ConfigError(f"{path} is no ini file ({type(exc).__name__})") from None
    return {
        key: value.replace("%(here)s", str(path.parent.absolute()))
        for section in parser.sections()
        for key, value in parser[section].items()
        if key.startswith("authkit.")
    }


@contextmanager
def told_once() -> Iterator[None]:
    """Keep what is wrong with plugins out of the log, where a report says it."""
    logger = logging.getLogger("authkit.plugins")
    logger.addFilter(_nothing)
    try:
        yield
    finally:
        logger.removeFilter(_nothing)


def _nothing(record: logging.LogRecord) -> bool:  # noqa: ARG001 - a filter is given a record
    return False


def report(
    settings: Mapping[str, str], plugins: Plugins | None = None, environ: Mapping[str, str] = os.environ
) -> Report:
    """Return the report about the plugins and what `settings` and the environment make of them."""
    plugins = plugins or load_plugins(allowed_plugins(settings, environ))
    problem, used = "; ".join(plugins.conflicts), dict[str, list[str]]()
    if settings or any(variable.startswith(APP_VARIABLES) for variable in environ):
        try:
            for name, registration in read_settings(settings, environ, plugins).registrations.items():
                used.setdefault(registration.provider.name, []).append(name)
        except ConfigError as error:
            problem = f"{SETTINGS}{error.reason}"
    return Report(tuple(_entry(info, plugins, used) for info in _with_emulators(plugins)), problem)


def _with_emulators(plugins: Plugins) -> list[PluginInfo]:
    """Return the plugins, with what is wrong with their emulators too."""
    wrong = plugins.emulator_problems()
    return [replace(info, problem=info.problem or wrong.get(info.label, "")) for info in plugins.infos]


def _entry(info: PluginInfo, plugins: Plugins, used: Mapping[str, list[str]]) -> Entry:
    endpoints = {}
    for name in info.providers:
        provider = plugins.providers.get(name)
        if isinstance(provider, OAuth2Provider):
            endpoints[name] = {
                "title": provider.title,
                "authorize_url": provider.authorize_url,
                "token_url": provider.token_url,
                "userinfo_url": provider.userinfo_url,
                "revoke_url": provider.revoke_url,
                "default_scope": " ".join(provider.default_scope),
                "client_id_param": provider.client_id_param,
            }
        elif isinstance(provider, OpenIDProvider):
            endpoints[name] = {
                "title": provider.title,
                "issuer": provider.issuer,
                "default_scope": " ".join(provider.default_scope),
            }
        elif provider is not None:
            endpoints[name] = {"title": provider.title}
    return Entry(
        info, tuple(registration for name in info.providers for registration in used.get(name, [])), endpoints
    )
