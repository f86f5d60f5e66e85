"""``authkit keys new``: a key that signs the tokens of native apps, in front of those that there are."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click

from authkit.errors import ConfigError
from authkit.models import Secret

__all__ = ["keys"]


@click.group()
def keys() -> None:
    """Keys that sign the JSON Web Tokens of native apps."""


@keys.command()
@click.option(
    "--alg", "algorithm", type=click.Choice(["ES256", "EdDSA", "HS256"]), default="ES256", show_default=True
)
@click.option("--file", "path", type=click.Path(path_type=Path, dir_okay=False), help="The file of the key set.")
@click.option("--keep", type=click.IntRange(1), default=2, show_default=True, help="How many keys stay in the file.")
def new(algorithm: str, path: Path | None, keep: int) -> None:
    """Make a key, and print the key set, or put the key in front of those in a file.

    The first key signs; the others verify what was signed before, so keep one for as long as a token lives.
    What is printed is one line, the value of authkit.native.keys.
    """
    try:
        from authkit.native.signingkeys import SigningKeys, new_key
    except ImportError:
        raise ConfigError("keys that sign need one more package: pip install 'authkit-core[native]'") from None
    key = new_key(algorithm, secrets.token_hex(4))
    if path is None:
        click.echo(json.dumps({"keys": [key]}))
        return
    path = path.resolve()  # a link stays one
    members = [key, *(_read(path) if path.exists() else [])][:keep]
    text = json.dumps({"keys": members}, indent=2)
    SigningKeys(Secret(text))  # what was there before is good as well, or nothing is written
    _write(path, text)
    click.echo(f"{path} has {len(members)} key(s); {key['kid']} signs: authkit.native.keys_file = {path}")


def _read(path: Path) -> list[Mapping[str, object]]:
    """Return the keys in a file."""
    try:
        members = json.loads(path.read_text(encoding="utf-8"))["keys"]
        if isinstance(members, list):
            return members
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        pass
    raise ConfigError(f"{path} cannot be read, or is no JSON Web Key set; nothing was changed")


def _write(path: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner only: no moment in which keys are lost or open."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            if path.exists() and hasattr(os, "fchown"):
                os.fchown(file.fileno(), path.stat().st_uid, path.stat().st_gid)  # root must not lock the app out
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        return
    except OSError as exc:
        problem = exc.strerror
    with suppress(OSError):
        beside.unlink()
    raise ConfigError(f"{path} cannot be written: {problem}; nothing was changed")
