"""``authkit demo``: an app and an emulated provider on this machine, a login by itself, then yours."""

from __future__ import annotations

import json
import secrets
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from authkit import AuthKit
from authkit.cli.emulating import wait_for_interrupt
from authkit.cli.emulators import app_settings, make_emulator, registration_name
from authkit.cli.robot import Leg, sign_in
from authkit.cli.serving import serve as serve_app
from authkit.cli.words import in_words
from authkit.emulator import serve
from authkit.errors import ConfigError
from authkit.plugins import Plugins, load_plugins

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from authkit.provider import Emulator

__all__ = ["run"]


class _Late:
    """A WSGI application that is made after its server, because it has to know the server's port."""

    def __init__(self) -> None:
        self.app: WSGIApplication

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.app(environ, start_response)


def run(
    provider: str, port: int, emulator_port: int, *, check: bool, as_json: bool, plugins: Plugins | None = None
) -> int:
    """Serve the demo, sign in once, show how that went, and go on serving unless it is a check.

    The environment's settings are those of another app, so none of them is read.

    Returns:
        the exit status: 0 when the login came through.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pyramid's own, when it is imported; nobody here can act on them
            from authkit.cli.demo_app import make_app
    except ImportError as exc:
        raise ConfigError(f"the demo needs {exc.name}: pip install 'authkit-core[cli,pyramid,emulator]'") from None
    plugins = plugins or load_plugins()
    emulator, late = make_emulator(provider, plugins), _Late()
    with serve(emulator, port=emulator_port) as provider_server, serve_app(late, port=port) as app_server:
        settings = demo_settings(emulator, provider_server.origin, app_server.origin)
        late.app = make_app(AuthKit.from_settings(settings, plugins=plugins, environ={}))
        legs, page = sign_in(f"{app_server.origin}/auth/{registration_name(provider)}?return_to=/profile.json")
        profile = page.json() if page is not None and page.status_code == 200 else None
        if as_json:
            click.echo(json.dumps({"url": app_server.origin, "legs": _as_data(legs), "profile": profile}))
        else:
            _show(Console(highlight=False), provider_server.origin, legs, profile)
        if not check:
            invitation = f"\nYour turn: open {app_server.origin}/ in a browser. Ctrl-C ends the demo."
            wait_for_interrupt(lambda: click.secho(invitation, bold=True, err=as_json))
        return 0 if profile else 1


def demo_settings(emulator: Emulator, emulator_origin: str, app_origin: str) -> Mapping[str, str]:
    """Return the settings of the demo: an app's usual ones, and the emulator's endpoints."""
    name = registration_name(emulator.provider)
    scope = {f"authkit.{name}.scope": " ".join(emulator.scopes)} if emulator.scopes else {}
    return {
        **app_settings(emulator, emulator_origin),
        **scope,
        "authkit.secret": secrets.token_urlsafe(32),
        "authkit.base_url": app_origin,
    }


def _as_data(legs: Iterable[Leg]) -> list[Mapping[str, object]]:
    return [{"name": leg.name, "status": leg.status, "milliseconds": round(leg.seconds * 1000, 1)} for leg in legs]


def _show(console: Console, emulator_origin: str, legs: Iterable[Leg], profile: Mapping[str, object] | None) -> None:
    """Print the profile and the time of each leg."""
    console.print(f"The provider is emulated at [cyan]{emulator_origin}[/cyan]. One login over HTTP, by itself:\n")
    times = Table(box=None, pad_edge=False, header_style="bold")
    times.add_column("leg")
    times.add_column("status", justify="right")
    times.add_column("ms", justify="right")
    for leg in legs:
        times.add_row(leg.name, str(leg.status), f"{leg.seconds * 1000:.1f}")
    console.print(times)
    if profile is None:
        console.print("\n[red]The login did not come through; the log above says why.[/red]")
        return
    facts = Table(box=None, pad_edge=False, show_header=False)
    for name, value in profile.items():
        facts.add_row(name, Text(in_words(value)))
    console.print("\n[green]Signed in.[/green] What the app has got:\n")
    console.print(facts)
