"""Writes the parts of the docs that repeat code: settings, errors, hooks, the fields of a provider.

Each stands between ``<!-- name -->`` and ``<!-- /name -->`` in a file of this folder. `make docs` runs this; a
test fails when a file is behind the code.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from authkit import Profile, errors, hookspecs
from authkit.keys import REGISTRATION_KEYS, SITE_KEYS, Key
from authkit.provider import OAuth2Provider
from authkit_tiktok.provider import tiktok

HERE = Path(__file__).parent


def settings_of_the_site() -> str:
    """Return the table of the settings of a site."""
    return _settings("authkit.", SITE_KEYS.values())


def settings_of_a_registration() -> str:
    """Return the table of the settings of a registration."""
    return _settings("authkit.<registration>.", REGISTRATION_KEYS.values())


def settings_of_tiktok() -> str:
    """Return the table of the settings that TikTok adds."""
    rows = [f"| `authkit.tiktok.{option.name}` | `{option.default}` | {option.help} |" for option in tiktok.options]
    return _table("| key | default | meaning |", rows)


def error_codes() -> str:
    """Return the table of error codes, each linked to its section."""
    known: dict[str, type[errors.AuthkitError]] = {}
    for name in errors.__all__:
        found = getattr(errors, name)
        if inspect.isclass(found) and found is not errors.AuthkitError:
            known.setdefault(found.code, found)
    rows = [f"| [`{code}`](#{code}) | {known[code].status} | {known[code].message} |" for code in sorted(known)]
    return _table("| code | HTTP | what the visitor reads |", rows)


def hooks() -> str:
    """Return every hook with its signature and what its docstring says."""
    parts = []
    for name, function in vars(hookspecs).items():
        if name.startswith("authkit_"):
            parameters = ", ".join(inspect.signature(function).parameters)
            parts.append(f"### `{name}({parameters})`\n\n{_as_markdown(inspect.getdoc(function) or '')}")
    return "\n\n".join(parts)


def provider_fields() -> str:
    """Return the fields of a provider."""
    return _fields(OAuth2Provider)


def profile_fields() -> str:
    """Return the fields of a profile."""
    return _fields(Profile)


def _fields(kind: type) -> str:
    attributes = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2].partition("\nRaises:")[0]
    fields = re.findall(r"^    (\w+): (.+(?:\n        .+)*)", attributes, re.MULTILINE)
    rows = [f"| `{name}` | {_as_markdown(' '.join(text.split()))} |" for name, text in fields]
    return _table("| field | meaning |", rows)


BLOCKS: Mapping[str, Callable[[], str]] = {
    "settings-of-the-site": settings_of_the_site,
    "settings-of-a-registration": settings_of_a_registration,
    "settings-of-tiktok": settings_of_tiktok,
    "error-codes": error_codes,
    "hooks": hooks,
    "profile-fields": profile_fields,
    "provider-fields": provider_fields,
}


def renewed(text: str) -> str:
    """Return the text of a docs file with every block written anew."""
    for name, make in BLOCKS.items():
        block = f"<!-- {name} -->\n{make()}\n<!-- /{name} -->"
        text = re.sub(rf"<!-- {name} -->\n.*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.DOTALL)
    return text


def _settings(prefix: str, keys: Iterable[Key]) -> str:
    rows = []
    for key in keys:
        shown = " ".join(key.default) if isinstance(key.default, tuple) else key.default
        default = "required" if key.is_required else f"`{shown}`" if shown else ""
        rows.append(f"| `{prefix}{key.name}`{' (or `_file`)' if key.is_secret else ''} | {default} | {key.help} |")
    return _table("| key | default | meaning |", rows)


def _table(head: str, rows: Iterable[str]) -> str:
    return "\n".join([head, "|" + " --- |" * (head.count("|") - 1), *rows])


def _as_markdown(docstring: str) -> str:
    return docstring.replace("``", "`")


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.md")):
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
