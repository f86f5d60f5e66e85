"""``authkit tokens``: what an operator does with stored tokens."""

from __future__ import annotations

from pathlib import Path

import click

from authkit.cli.amounts import read_rate, read_time
from authkit.cli.opening import ini_option

__all__ = ["tokens"]

rate_option = click.option("--rate", default="10/s", show_default=True, help="Requests per s, m or h.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


@click.group()
def tokens() -> None:
    """Refresh, reseal, revoke and count stored tokens."""


@tokens.command()
@click.option("--due", default="7d", show_default=True, help="What ends by then is due: 90s, 30m, 12h or 7d.")
@click.option(
    "--of",
    type=click.Choice(["refresh", "access"]),
    default="refresh",
    show_default=True,
    help="Whose end counts: the refresh token's, or the access token's.",
)
@rate_option
@click.option("--workers", type=click.IntRange(1, 32), default=4, show_default=True, help="Tokens at a time.")
@ini_option
@json_option
@click.option("--quiet", is_flag=True, help="Print nothing, unless something failed.")
def refresh(due: str, of: str, rate: str, workers: int, ini: Path | None, as_json: bool, quiet: bool) -> None:
    """Refresh the tokens that are about to end.

    It may run beside the app and beside itself, and be ended at any time: no token is refreshed twice, and the next
    run goes on. The exit status is 1 if something failed for now.
    """
    due_in, per_second = read_time("--due", due), read_rate("--rate", rate)
    from authkit.accounts.duetokens import End
    from authkit.cli.refreshing import Options
    from authkit.cli.refreshing import refresh as run

    options = Options(
        due=due_in,
        end=End(of),
        per_second=per_second,
        workers=workers,
        ini=ini,
        as_json=as_json,
        is_quiet=quiet,
    )
    raise SystemExit(run(options))


@tokens.command()
@ini_option
def reseal(ini: Path | None) -> None:
    """Seal every stored token with the newest key of authkit.vault_key.

    It may run beside the app, and be ended at any time. The exit status is 1 if something does not open, or was
    sealed with an older key meanwhile; 0 means that older keys can be removed.
    """
    from authkit.cli.upkeep import reseal as run

    raise SystemExit(run(ini))


@tokens.command("revoke-pending")
@rate_option
@ini_option
def revoke_pending(rate: str, ini: Path | None) -> None:
    """Revoke, at their providers, tokens whose identity is gone and whose revocation failed so far.

    The exit status is 1 if something failed again.
    """
    per_second = read_rate("--rate", rate)
    from authkit.cli.upkeep import revoke_pending as run

    raise SystemExit(run(ini, per_second))


@tokens.command()
@ini_option
@json_option
def status(ini: Path | None, as_json: bool) -> None:
    """Count the stored tokens, by registration."""
    from authkit.cli.upkeep import status as run

    raise SystemExit(run(ini, as_json=as_json))
