"""``authkit emulate``: a provider on this machine, and what to put into an app's settings."""

from __future__ import annotations

import json
import shutil
import threading
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from authkit.cli.emulators import Records, app_settings, make_emulator
from authkit.cli.notes import print_choices, print_json, print_notes, print_request
from authkit.emulator import CONTROL_PATH, HasWorkbench, serve
from authkit.errors import ConfigError
from authkit.plugins import Plugins
from authkit.provider import Emulator

__all__ = ["Options", "announce", "emulate", "list_choices", "prepare", "wait_for_interrupt"]

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What ``authkit emulate`` was told; each is an option of the command."""

    host: str = "127.0.0.1"
    port: int = 8787
    names: Sequence[str] = ()
    tls: bool = False
    ca_file: Path | None = None
    faults: Sequence[str] = ()
    seed: int = 0
    switches: Sequence[str] = ()
    apps: Path | None = None
    users: Path | None = None
    opens_page: bool = False
    quiet: bool = False
    as_json: bool = False


def emulate(provider: str, options: Options) -> None:
    """Serve an emulator of `provider` until Ctrl-C, and print the settings of an app that uses it.

    Raises:
        ConfigError: there is no such emulator, or it knows no such fault or switch.
    """
    if options.ca_file and not options.tls:
        raise ConfigError("--ca-file goes with --tls")
    emulator = make_emulator(provider, apps=_read_list(options.apps), users=_read_list(options.users))
    prepare(emulator, options)
    with serve(emulator, options.host, options.port, tls=options.tls, names=options.names) as server:
        origin = _public_origin(server.origin, options.names)
        settings = dict(app_settings(emulator, origin))
        if server.ca_bundle:
            settings["authkit.ca_bundle"] = str(_keep(Path(server.ca_bundle), options.ca_file))
        wait_for_interrupt(lambda: announce(emulator, origin, settings, options))


def prepare(emulator: Emulator, options: Options) -> None:
    """Turn the switches of an emulator, and arm its faults.

    Raises:
        ConfigError: it has none of these.
    """
    if not isinstance(emulator, HasWorkbench):
        if options.faults or options.switches:
            raise ConfigError(f"the emulator of {emulator.provider!r} has neither faults nor switches")
        return
    workbench = emulator.workbench
    workbench.hosts |= set(options.names)
    workbench.faults.reseed(options.seed)
    try:
        for turned in options.switches:
            name, _, value = turned.partition("=")
            workbench.switches.turn(name, value)
        for fault in options.faults:
            workbench.faults.add(fault)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def list_choices(provider: str, plugins: Plugins | None = None) -> None:
    """Print what an emulator can be told.

    Raises:
        ConfigError: there is no such emulator, or it has no choices.
    """
    emulator = make_emulator(provider, plugins)
    if not isinstance(emulator, HasWorkbench):
        raise ConfigError(f"the emulator of {provider!r} has neither faults nor switches")
    print_choices(emulator.workbench)


def _read_list(path: Path | None) -> Records:
    if path is None:
        return ()
    try:
        records = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON: {error}") from None
    if not (isinstance(records, list) and records and all(isinstance(record, dict) for record in records)):
        raise ConfigError(f"{path} has to be a list of objects")
    return records


def announce(emulator: Emulator, origin: str, settings: Mapping[str, str], options: Options) -> None:
    """Print the settings, print a line a request from now on, and open the control page, as far as it is wanted."""
    if options.as_json:
        print_json(origin, settings)
    else:
        if not options.quiet and isinstance(emulator, HasWorkbench):
            emulator.workbench.requests.observers.append(print_request)
        print_notes(emulator, origin, settings, is_public=options.host not in LOOPBACK)
    if options.opens_page:
        webbrowser.open(f"{origin}{CONTROL_PATH}")


def _public_origin(origin: str, names: Sequence[str]) -> str:
    """Return the origin under the first name that was given, the port staying what it is."""
    scheme, _, rest = origin.partition("://")
    return f"{scheme}://{names[0]}:{rest.rpartition(':')[2]}" if names else origin


def _keep(ca_bundle: Path, wanted: Path | None) -> Path:
    if wanted is None:
        return ca_bundle
    try:
        return Path(shutil.copyfile(ca_bundle, wanted)).absolute()
    except OSError as error:
        raise ConfigError(f"--ca-file: cannot write {wanted}: {error.strerror}") from None


def wait_for_interrupt(show: Callable[[], None]) -> None:
    """Call `show`, and wait until Ctrl-C, which may come as soon as something is shown."""
    try:
        show()
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo()
