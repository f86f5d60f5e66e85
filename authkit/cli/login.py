"""``authkit login``: sign in to a provider from the command line."""

from __future__ import annotations

import json
import logging
import os
import webbrowser
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click

from authkit.cli.listing import read_ini
from authkit.errors import AuthkitError, ConfigError, printable
from authkit.keys import words
from authkit.models import Login
from authkit.transactions import LIFETIME

__all__ = ["login"]

WAYS_TO_A_SCREEN = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


@click.command()
@click.argument("registration")
@click.option(
    "--ini", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="An ini file with settings."
)
@click.option("--scope", multiple=True, help="Something to ask for besides the registration's own scope.")
@click.option("--timeout", type=click.IntRange(1, LIFETIME), default=300, show_default=True, help="In seconds.")
@click.option("--no-browser", is_flag=True, help="Only print the address; so it is over SSH.")
@click.option("--keyring", "keeps", is_flag=True, help="Put the tokens into the system's keyring.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def login(
    registration: str,
    ini: Path | None,
    scope: tuple[str, ...],
    timeout: int,
    no_browser: bool,
    keeps: bool,
    as_json: bool,
) -> None:
    """Sign in with REGISTRATION in your browser, and show who you are.

    Its key and secret come from the ini file or the environment (AUTHKIT_TIKTOK_CLIENT_KEY and
    AUTHKIT_TIKTOK_CLIENT_SECRET). No token is ever printed.
    """
    from authkit.native.desktop import desktop_kit
    from authkit.native.loopback import login as sign_in
    from authkit.native.tokenring import TokenRing

    kit = desktop_kit(registration, read_ini(ini) if ini else {})
    ring = TokenRing() if keeps else None
    if ring:
        ring.token(registration)  # a keyring that is locked, or not there, says so before the browser opens
    is_by_hand = no_browser or _is_over_ssh(os.environ)
    logging.getLogger("authkit.audit").addHandler(logging.NullHandler())  # what it says of a failure, we say
    try:
        done = sign_in(
            kit,
            registration,
            scope=[word for text in scope for word in words(text)],
            timeout=timeout,
            open_browser=_open_nothing if is_by_hand else webbrowser.open,
            announce=_announce_by_hand if is_by_hand else None,
        )
    except ConfigError:
        raise
    except AuthkitError as error:
        raise click.ClickException(f"{error.message} ({error.code}: {error.reason})") from None
    if ring:
        ring.keep(done.identity.key, done.token)
    shown = _shown(done)
    click.echo(json.dumps(shown, indent=2) if as_json else _lines(shown))


def _is_over_ssh(environ: Mapping[str, str]) -> bool:
    """Whether the only browser here would be one that takes the terminal."""
    return "SSH_CONNECTION" in environ and not any(environ.get(name) for name in WAYS_TO_A_SCREEN)


def _open_nothing(url: str) -> None:
    """Open no browser."""


def _announce_by_hand(url: str) -> None:
    click.echo(f"Open this address in your browser:\n\n  {url}\n", err=True)
    for redirect_uri in parse_qs(urlsplit(url).query).get("redirect_uri", []):
        port = urlsplit(redirect_uri).port
        forward = f"ssh -N -L {port}:127.0.0.1:{port} <this machine>"
        click.echo(f"Is the browser on another machine? Run there first: {forward}", err=True)


def _shown(done: Login) -> Mapping[str, object]:
    """Return what is told of a login: who it is, and what was granted; no token."""
    return {
        "identity": done.identity.key,
        **{name: value for name, value in asdict(done.profile).items() if name != "raw"},
        "granted_scopes": list(done.granted_scopes),
        "missing_scopes": list(done.missing_scopes),
        "raw": done.profile.raw,
    }


def _lines(shown: Mapping[str, object]) -> str:
    """Return the same as text for people, without what is empty, and without what a terminal might obey."""
    listed = {
        name: " ".join(map(printable, value)) if isinstance(value, list) else value for name, value in shown.items()
    }
    told = {name: value for name, value in listed.items() if value and name != "raw"}
    width = max(map(len, told))
    return "\n".join(f"{name:{width}}  {value}" for name, value in told.items())
