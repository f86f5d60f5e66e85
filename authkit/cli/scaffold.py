"""Writes the folder of a new plugin, from the templates in ``templates/plugin``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from authkit.cli.blueprint import Blueprint, OAuth2Form
from authkit.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["core_range", "render", "write"]

LINE = 88
"""The longest line that formatters leave alone, unless they are told otherwise."""

FILES: Mapping[str, str] = {
    "gitignore": ".gitignore",
    "test.yml": ".github/workflows/test.yml",
    "readme.md": "README.md",
    "pyproject.toml": "pyproject.toml",
    "oauth2.py": "src/{module}/__init__.py",
    "openid.py": "src/{module}/__init__.py",
    "py.typed": "src/{module}/py.typed",
    "contract.py": "tests/test_{word}.py",
}
"""The templates, and where what is made of each goes."""


def render(blueprint: Blueprint) -> Mapping[str, str]:
    """Return the files of a plugin: their text by their path in its folder."""
    is_oauth2 = isinstance(blueprint.form, OAuth2Form)
    left_out = "openid.py" if is_oauth2 else "oauth2.py"
    environment = _environment()
    word = blueprint.module.removeprefix("authkit_")
    return {
        place.format(module=blueprint.module, word=word): environment.get_template(f"{name}.jinja").render(
            plugin=blueprint,
            form=blueprint.form,
            is_oauth2=is_oauth2,
            fields=tuple(_fields(blueprint)),
            core_range=core_range(version("authkit-core")),
        )
        for name, place in FILES.items()
        if name != left_out
    }


def write(blueprint: Blueprint, into: Path) -> Path:
    """Write the files of a plugin into a new folder in `into`, and return that folder.

    Raises:
        ConfigError: the folder exists, whatever is in it, or cannot be written.
    """
    folder = into / blueprint.distribution
    files = render(blueprint)
    try:
        folder.mkdir()
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    except FileExistsError:
        problem = f"{folder} exists, and nothing of it was touched; move it away, or choose another place: --into DIR"
    except OSError as exc:
        problem = f"{folder} cannot be written: {exc.strerror}"
    else:
        return folder
    raise ConfigError(problem)


def core_range(core: str) -> str:
    """Return the versions of authkit-core that a plugin takes which is written with version `core`.

    What is public stays so within a minor version before 1.0, and within a major version from then on.
    """
    major, minor = re.findall(r"\d+", core)[:2]
    return f">={major}.{minor},<{f'0.{int(minor) + 1}' if major == '0' else int(major) + 1}"


def _fields(blueprint: Blueprint) -> Iterator[tuple[str, str]]:
    """Yield the arguments that make the provider, as Python writes them; what is the default is left out."""
    form = blueprint.form
    yield "name", _python(blueprint.name)
    yield "title", _python(blueprint.title)
    if not isinstance(form, OAuth2Form):
        yield "issuer", _python(form.issuer)
        return
    for name in ("authorize_url", "token_url", "userinfo_url", "revoke_url"):
        if url := getattr(form, name):
            yield name, _python(url)
    if form.scope:
        yield "default_scope", _python_tuple("default_scope", form.scope)
    if form.token_auth != "basic":
        yield "token_auth", _python(form.token_auth)
    if form.issuer:
        yield "issuer", _python(form.issuer)
    yield "profile", "read_profile"


def _python(text: str) -> str:
    """Return a printable text as Python writes it, in the quotes that a formatter chooses: those that escape less."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote


def _python_tuple(name: str, items: tuple[str, ...]) -> str:
    """Return a tuple as the value of the argument `name`: in one line if it fits, else in a line an item."""
    literals = [_python(item) for item in items]
    one_line = f"({', '.join(literals)}{',' if len(literals) == 1 else ''})"
    if len(f"    {name}={one_line},") <= LINE:
        return one_line
    return "".join(["(\n", *(f"        {literal},\n" for literal in literals), "    )"])


def _subscript(field: str) -> str:
    """Return what reads a required member of `data`."""
    return "data" + "".join(f"[{_python(part)}]" for part in field.split("."))


def _get(field: str) -> str:
    """Return what reads a member of `data` that may be missing."""
    *outer, last = field.split(".")
    return f"{_subscript('.'.join(outer)) if outer else 'data'}.get({_python(last)})"


def _toml(text: str) -> str:
    """Return a printable text as TOML writes it: a basic string, which has JSON's escapes."""
    return json.dumps(text, ensure_ascii=False)


def _markdown(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>&#|~!])", r"\\\1", text)


@lru_cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("authkit", "cli/templates/plugin"),
        autoescape=False,  # noqa: S701 - nothing of this is HTML; each kind of file has a filter of its own
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"toml": _toml, "markdown": _markdown, "subscript": _subscript, "get": _get}
    return environment
