"""``authkit emulate``: a provider on this machine, and what to put into an app's settings."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from shlex import quote

import click
from rich.console import Console

from authkit.emulator import serve
from authkit.errors import ConfigError
from authkit.plugins import Plugins, load_plugins
from authkit.provider import Emulator

__all__ = ["emulate", "make_emulator", "wait_for_interrupt"]


def make_emulator(provider: str, plugins: Plugins | None = None) -> Emulator:
    """Return a fresh emulator of `provider`.

    Raises:
        ConfigError: no plugin brings one.
    """
    makers: dict[str, Callable[[], Emulator]] = dict((plugins or load_plugins()).emulators())
    if provider not in makers:
        known = ", ".join(sorted(makers)) or "none; for TikTok: pip install authkit-tiktok"
        raise ConfigError(f"no plugin brings an emulator of {provider!r}; there are: {known}")
    return makers[provider]()


def emulate(provider: str, host: str, port: int, *, as_json: bool) -> None:
    """Serve an emulator of `provider` until Ctrl-C, and print the settings of an app that uses it."""
    emulator = make_emulator(provider)
    with serve(emulator, host, port) as server:
        settings = {f"authkit.{provider}.{key}": value for key, value in emulator.settings(server.origin).items()}
        wait_for_interrupt(lambda: _show(provider, server.origin, settings, as_json=as_json))


def _show(provider: str, origin: str, settings: Mapping[str, str], *, as_json: bool) -> None:
    """Print where the emulator is, and the settings that point to it."""
    if as_json:
        click.echo(json.dumps({"origin": origin, "settings": settings}, indent=2))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"[bold]{provider}[/bold] is emulated at [cyan]{origin}[/cyan]. Settings for an app, in an ini file:\n"
    )
    for key, value in settings.items():
        console.print(f"{key} = {value}", markup=False)
    console.print("\nor in the environment:\n")
    for key, value in settings.items():
        variable = key.upper().replace(".", "_").replace("-", "_")
        console.print(f"export {variable}={quote(value)}", markup=False)
    console.print("\nCtrl-C ends it.")


def wait_for_interrupt(show: Callable[[], None]) -> None:
    """Call `show`, and wait until Ctrl-C, which may come as soon as something is shown."""
    try:
        show()
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo()
