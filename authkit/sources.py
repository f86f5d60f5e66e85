"""Where settings come from: a flat mapping and the environment, sorted by registration. The mapping wins."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from authkit.errors import ConfigError
from authkit.keys import Key
from authkit.logtext import printable
from authkit.names import close_to, is_free, is_name

__all__ = ["Declared", "Given", "collect", "parse_values", "read_file", "setting_text"]

logger = logging.getLogger(__name__)

PREFIX = "authkit."
VARIABLE_PREFIX = "AUTHKIT_"


@dataclass(frozen=True, slots=True)
class Declared:
    """The declared keys: of the site, of each optional part and what it has several of, and of a registration.

    Those of a registration include providers' own words.
    """

    site: Mapping[str, Key]
    parts: Mapping[str, Mapping[str, Key]]
    members: Mapping[str, Mapping[str, Key]]
    registration: Mapping[str, Key]

    def names(self, owner: str) -> set[str]:
        """Return what may be set for `owner`: "" for the site, a part, ``<part>.<name>``, or else a registration."""
        part, dot, name = owner.partition(".")
        if dot:
            keys = self.members.get(part, {}) if is_name(name) else {}
        else:
            keys = self.parts.get(owner, self.registration) if owner else self.site
        return {*keys, *(f"{name}_file" for name, key in keys.items() if key.is_secret)}


@dataclass(slots=True)
class Given:
    """The raw settings: of the site, of each optional part, and of each registration."""

    site: dict[str, str] = field(default_factory=dict, repr=False)
    parts: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    members: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    registrations: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)

    def put(self, owner: str, key: str, text: str) -> None:
        """Keep one setting of `owner`: a registration, a part, ``<part>.<name>``, or the site when it is ""."""
        parts = self.parts if owner in self.parts else self.registrations
        owners = self.members if "." in owner else parts
        (owners.setdefault(owner, {}) if owner else self.site)[key] = text


def collect(
    mapping: Mapping[str, object], environ: Mapping[str, str], declared: Declared, client_id_words: Iterable[str]
) -> Given:
    """Return what is set, sorted.

    Args:
        mapping: settings by their full name; keys that do not begin with ``authkit.`` are left alone.
        environ: the environment; ``-`` in a name is written ``_``.
        declared: what may be set.
        client_id_words: the words that all mean the client id.

    Raises:
        ConfigError: a key of `mapping` is unknown, or its value is no text. An unknown variable is a warning.
    """
    from_environ = _read_environ(environ, declared)
    given = _read_mapping(mapping, declared)
    aliases = dict.fromkeys(client_id_words, "client_id")
    given.site = _merged(given.site, from_environ.site, aliases)
    for name, values in from_environ.parts.items():
        given.parts[name] = _merged(given.parts[name], values, aliases)
    for name, values in from_environ.members.items():
        given.members[name] = _merged(given.members.get(name, {}), values, aliases)
    for name, values in from_environ.registrations.items():
        given.registrations[name] = _merged(given.registrations.get(name, {}), values, aliases)
    return given


def setting_text(full: str, value: object) -> str:
    """Return a setting's value as text without blanks around it; of a list, its items with blanks between.

    Raises:
        ConfigError: it is no text, or empty.
    """
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        value = " ".join(value)
    if not isinstance(value, (str, int)):
        raise ConfigError(f"{full} must be text, not {type(value).__name__}")
    text = str(value).strip()
    if not text:
        raise ConfigError(f"{full} is empty; give it a value or leave it out")
    return text


def parse_values(declared: Mapping[str, Key], given: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """Return the value of every declared key.

    Args:
        declared: the keys, by name.
        given: the texts that are set, by name.
        prefix: what stands before a name in a message.

    Raises:
        ConfigError: one is missing or malformed.
    """
    return {
        name: _value(key, prefix + name, given.get(name), given.get(f"{name}_file")) for name, key in declared.items()
    }


def _value(key: Key, full: str, text: str | None, path: str | None) -> Any:
    if path is not None:
        if text is not None:
            raise ConfigError(f"{full} and {full}_file are both set; keep one")
        text = read_file(f"{full}_file", path)
    if text is None:
        if key.is_required:
            raise ConfigError(f"{full} is missing: {key.help}")
        return key.default
    try:
        return key.parse(text)
    except ValueError as exc:
        shown = "" if key.is_secret else f"{text[:80]!r} "
        problem = ConfigError(f"{full}: {shown}{exc}")
    raise problem


def read_file(full: str, path: str) -> str:
    """Return the content of the file that a ``<key>_file`` setting names."""
    try:
        return setting_text(full, Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        problem = type(exc).__name__
    raise ConfigError(f"{full}: the file {path!r} cannot be read ({problem})")


def _read_mapping(mapping: Mapping[str, object], declared: Declared) -> Given:
    given = _nothing(declared)
    for full, value in mapping.items():
        if full.startswith(PREFIX) and value is not None:
            owner, dot, key = full.removeprefix(PREFIX).rpartition(".")
            if key not in declared.names(owner) or (dot and not owner):
                raise ConfigError(f"{full} is no setting of authkit{_did_you_mean(owner, key, declared)}")
            given.put(owner, key, setting_text(full, value))
    return given


def _read_environ(environ: Mapping[str, str], declared: Declared) -> Given:
    given = _nothing(declared)
    for variable in sorted(environ):
        text = environ[variable].strip()
        if variable.startswith(VARIABLE_PREFIX) and text:
            owner, key = _split(variable.removeprefix(VARIABLE_PREFIX).lower(), declared)
            if key:
                given.put(owner, key, text)
            else:
                name = printable(variable)
                logger.warning("the environment variable %s is no setting of authkit, and is ignored", name)
    return given


def _nothing(declared: Declared) -> Given:
    return Given(parts={name: {} for name in declared.parts})


def _split(name: str, declared: Declared) -> tuple[str, str]:
    """Return the owner of a variable ("" for the site) and its key ("" if unknown); the longest key wins."""
    if name in declared.names(""):
        return "", name
    for part in declared.parts:
        rest = name.removeprefix(f"{part}_")
        if rest == name:
            continue
        if rest in declared.names(part):
            return part, rest
        for key in sorted(declared.names(f"{part}.app"), key=len, reverse=True):
            member = rest.removesuffix(f"_{key}")
            if member != rest and is_name(member.replace("_", "-")):
                return f"{part}.{member.replace('_', '-')}", key
    for key in sorted(declared.names("a registration"), key=len, reverse=True):
        registration = name.removesuffix(f"_{key}").replace("_", "-")
        if name.endswith(f"_{key}") and is_free(registration):
            return registration, key
    return "", ""


def _merged(winner: Mapping[str, str], loser: Mapping[str, str], aliases: Mapping[str, str]) -> dict[str, str]:
    """Return both, where the winner's keys also beat the same setting under another name, or in a file."""

    def setting(key: str) -> str:
        base = key.removesuffix("_file")
        return aliases.get(base, base)

    taken = {setting(key) for key in winner}
    return {**{key: text for key, text in loser.items() if setting(key) not in taken}, **winner}


def _did_you_mean(owner: str, key: str, declared: Declared) -> str:
    part, dot, name = owner.partition(".")
    if dot and part in declared.members and not is_name(name):
        return f": the name in {PREFIX}{part}.<name>.{key} is to match [a-z][a-z0-9-]{{0,31}} in full"
    close = close_to(key, declared.names(owner))
    if not close:
        return "; see the table of settings in the docs"
    return f"; did you mean {PREFIX}{owner}{'.' if owner else ''}{close}?"
