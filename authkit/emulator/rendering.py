"""Rendering: the templates of the emulators' pages, and the style they share."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["read_source", "render"]


def render(template: str, **values: object) -> str:
    """Return a page. Every value is put in as text."""
    return _environment().get_template(template).render(**values)


@cache
def read_source(name: str) -> str:
    """Return a style sheet or a script of ours, as it stands in the file."""
    return resources.files("authkit.emulator").joinpath("templates", name).read_text("utf-8")


@cache
def _environment() -> Environment:
    # Jinja2 is imported with the first page: most processes with an emulator in them show none.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("authkit.emulator"),
        autoescape=True,
        auto_reload=False,  # else each page looks at the templates' files
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
