"""Where settings come from: a flat mapping and the environment, sorted by registration. The mapping wins."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from authkit.errors import ConfigError
from authkit.keys import Key
from authkit.plugins import is_free

__all__ = ["Given", "collect", "read_file", "setting_text"]

logger = logging.getLogger(__name__)

PREFIX = "authkit."
VARIABLE_PREFIX = "AUTHKIT_"


@dataclass(slots=True)
class Given:
    """The raw settings: of the site, and of each registration."""

    site: dict[str, str] = field(default_factory=dict, repr=False)
    registrations: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)

    def put(self, registration: str, key: str, text: str) -> None:
        """Keep one setting; of the site when `registration` is ""."""
        (self.registrations.setdefault(registration, {}) if registration else self.site)[key] = text


def collect(
    mapping: Mapping[str, object],
    environ: Mapping[str, str],
    of_site: Mapping[str, Key],
    of_registration: Mapping[str, Key],
    client_id_words: Iterable[str],
) -> Given:
    """Return what is set, sorted.

    Args:
        mapping: settings by their full name; keys that do not begin with ``authkit.`` are left alone.
        environ: the environment; ``-`` in a name is written ``_``.
        of_site: the declared keys of the site.
        of_registration: the declared keys of a registration, all providers' own words among them.
        client_id_words: the words that all mean the client id.

    Raises:
        ConfigError: a key of `mapping` is unknown, or its value is no text. An unknown variable is a warning.
    """
    site_names, registration_names = _with_files(of_site), _with_files(of_registration)
    from_environ = _read_environ(environ, site_names, registration_names)
    given = _read_mapping(mapping, site_names, registration_names)
    aliases = dict.fromkeys(client_id_words, "client_id")
    given.site = _merged(given.site, from_environ.site, aliases)
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


def read_file(full: str, path: str) -> str:
    """Return the content of the file that a ``<key>_file`` setting names."""
    try:
        return setting_text(full, Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        problem = type(exc).__name__
    raise ConfigError(f"{full}: the file {path!r} cannot be read ({problem})")


def _read_mapping(mapping: Mapping[str, object], of_site: set[str], of_registration: set[str]) -> Given:
    given = Given()
    for full, value in mapping.items():
        if full.startswith(PREFIX) and value is not None:
            registration, _, key = full.removeprefix(PREFIX).rpartition(".")
            known = of_registration if registration else of_site
            if key not in known or full.count(".") != (2 if registration else 1):
                raise ConfigError(f"{full} is no setting of authkit{_did_you_mean(full, of_site, of_registration)}")
            given.put(registration, key, setting_text(full, value))
    return given


def _read_environ(environ: Mapping[str, str], of_site: set[str], of_registration: set[str]) -> Given:
    given = Given()
    for variable in sorted(environ):
        text = environ[variable].strip()
        if variable.startswith(VARIABLE_PREFIX) and text:
            registration, key = _split(variable.removeprefix(VARIABLE_PREFIX).lower(), of_site, of_registration)
            if key:
                given.put(registration, key, text)
            else:
                logger.warning("the environment variable %s is no setting of authkit, and is ignored", variable)
    return given


def _split(name: str, of_site: set[str], of_registration: set[str]) -> tuple[str, str]:
    """Return the registration ("" for the site) and the key of a variable ("" if unknown); the longest key wins."""
    if name in of_site:
        return "", name
    for key in sorted(of_registration, key=len, reverse=True):
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


def _with_files(declared: Mapping[str, Key]) -> set[str]:
    return {*declared, *(f"{name}_file" for name, key in declared.items() if key.is_secret)}


def _did_you_mean(full: str, of_site: set[str], of_registration: set[str]) -> str:
    registration, _, key = full.removeprefix(PREFIX).rpartition(".")
    known = () if "." in registration else sorted(of_registration if registration else of_site)
    close = get_close_matches(key, known, n=1)
    if not close:
        return "; see the table of settings in the docs"
    return f"; did you mean {PREFIX}{registration}{'.' if registration else ''}{close[0]}?"
