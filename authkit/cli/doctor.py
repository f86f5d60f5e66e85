"""``authkit doctor``: finds what is in the way of a login before the first user does."""

from __future__ import annotations

from pathlib import Path

import click

from authkit.cli.listing import read_ini
from authkit.cli.opening import ini_option

__all__ = ["doctor"]


@click.command()
@ini_option
def doctor(ini: Path | None) -> None:
    """Try what a login needs, without one: run it where the app runs.

    It reads the settings, asks the site for its callback and each provider for an answer, compares the clocks, and
    looks at the tables of accounts. The exit status is 1 if anything is wrong.
    """
    from authkit.cli.examination import examine

    is_good = True
    for finding in examine(read_ini(ini) if ini else {}):
        sign = click.style("ok   ", fg="green") if finding.is_good else click.style("WRONG", fg="red")
        click.echo(f"{sign} {finding.text}")
        is_good = is_good and finding.is_good
    raise SystemExit(0 if is_good else 1)
