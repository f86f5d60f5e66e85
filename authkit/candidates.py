"""Where plugins come from: installed distributions, and objects that a process has at hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points

from authkit.errors import printable
from authkit.hookspecs import ENTRY_POINT_GROUP

__all__ = ["Candidate", "PluginInfo", "find_candidates", "local_candidates"]


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One plugin that was found: what it is, and why it is not usable if it is not.

    Attributes:
        name: the entry point's name.
        distribution: the installed distribution that brings it, with its version.
        version: the distribution's version.
        providers: the names of the providers that it supplies.
        hooks: the hooks that it implements.
        problem: why it cannot be used, "" when it can.
    """

    name: str
    distribution: str
    version: str
    providers: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    problem: str = ""

    @property
    def label(self) -> str:
        """What tells the plugin from every other."""
        return f"{self.name!r} of {self.distribution} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found, and not imported yet.

    Attributes:
        name: the entry point's name.
        distribution: the installed distribution that brings it.
        version: the distribution's version.
        load: imports it, and returns the plugin.
    """

    name: str
    distribution: str
    version: str
    load: Callable[[], object]

    @property
    def label(self) -> str:
        """What tells it from every other plugin, for messages."""
        return self.info().label

    def info(self, hooks: tuple[str, ...] = (), providers: tuple[str, ...] = (), problem: str = "") -> PluginInfo:
        """Return what became of it. Names come from metadata that anybody may have written: fit for one line."""
        name, distribution, version = map(printable, (self.name, self.distribution, self.version))
        return PluginInfo(name, distribution, version, providers, hooks, problem)

    @property
    def is_core(self) -> bool:
        """Whether the core's own distribution brings it, however its metadata spells the name."""
        return re.sub(r"[-_.]+", "-", self.distribution).lower() == "authkit-core"


def find_candidates(found: Iterable[EntryPoint] | None = None) -> Sequence[Candidate]:
    """Return what is installed, in the order of names; an entry point that is listed twice comes once.

    Args:
        found: the entry points, instead of those of the installed distributions.
    """
    points = entry_points(group=ENTRY_POINT_GROUP) if found is None else found
    candidates: dict[tuple[str, str, str], Candidate] = {}
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        distribution, version = _brought_by(point)
        candidate = Candidate(point.name, distribution, version, point.load)
        candidates.setdefault((point.name, point.value, distribution), candidate)
    return tuple(candidates.values())


def _brought_by(point: EntryPoint) -> tuple[str, str]:
    """Return the name and the version of the distribution that brings an entry point."""
    if point.dist is None:
        return "(no distribution)", ""
    metadata = point.dist.metadata  # which is read anew each time, by a parser of mail
    return metadata["Name"], metadata["Version"]


def local_candidates(plugins: Iterable[object]) -> Iterator[Candidate]:
    """Yield plugin objects that are not installed."""
    for plugin in plugins:
        name = getattr(plugin, "__name__", type(plugin).__name__)
        yield Candidate(name, "(not installed)", "", partial(_same, plugin))


def _same(plugin: object) -> object:
    return plugin
