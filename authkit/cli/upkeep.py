"""``authkit tokens reseal``, ``revoke-pending`` and ``status``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from authkit.accounts import Revocations
from authkit.accounts.bulk import FAILURES_IN_A_ROW
from authkit.accounts.pace import Pace
from authkit.accounts.resealing import Resealing
from authkit.accounts.tokenstatus import TokenCount, count_tokens
from authkit.cli.interruption import Interruption
from authkit.cli.opening import open_store
from authkit.cli.progress import progress

__all__ = ["reseal", "revoke_pending", "status"]

HEADS = ("registration", "open", "must sign in again", "end in 7 days", "failing", "revocations that wait")


def reseal(ini: Path | None) -> int:
    """Seal everything with the newest key, and return the exit status."""
    kit, database = open_store(ini)
    with closing(database), Interruption() as interruption:
        resealing, counts = Resealing(kit, database), Counter[bool]()
        with progress("Resealing", resealing.count()) as advance:
            for is_resealed in resealing.run():
                counts[is_resealed] += 1
                advance()
                if interruption.has_come():
                    break
        left = resealing.count() - counts[False]
    click.echo(f"Resealed: {counts[True]:,}")
    if counts[False]:
        click.echo(f"Do not open: {counts[False]:,}; the log says which")
    if interruption.has_come():
        click.echo("Interrupted; started again, it goes on with the rest.")
        return interruption.status
    if left > 0:
        click.echo(f"Sealed with an older key meanwhile: {left:,}. Some server does not have the newest key yet:")
        click.echo("give it to all of them, and run this again. Do not remove the older key before that.")
    elif not counts[False]:
        click.echo("Everything is sealed with the newest key; older ones can be removed.")
    return int(left > 0 or counts[False] > 0)


def revoke_pending(ini: Path | None, per_second: float) -> int:
    """Try the revocations whose time it is, and return the exit status."""
    kit, database = open_store(ini)
    with closing(database), Interruption() as interruption:
        pending, counts, in_a_row = Revocations(kit, database), Counter[bool](), Counter[str]()
        pace = Pace(per_second, sleep=interruption.sleep)
        with progress("Revoking", pending.count()) as advance:
            for revocation in pending.due():
                advance()
                name = revocation.registration
                if in_a_row[name] >= FAILURES_IN_A_ROW:
                    continue
                pace.wait()
                if interruption.has_come():
                    break
                is_done = pending.attempt(revocation)
                counts[is_done] += 1
                in_a_row[name] = 0 if is_done else in_a_row[name] + 1
        waiting = pending.count()
    click.echo(f"Revoked: {counts[True]:,}")
    if counts[False]:
        click.echo(f"Failed for now: {counts[False]:,}")
    for name, failures in in_a_row.items():
        if failures >= FAILURES_IN_A_ROW:
            click.echo(f"{name}: stopped after {failures} failures in a row")
    if waiting:
        click.echo(f"Wait for another try: {waiting:,}")
    return interruption.status if interruption.has_come() else int(counts[False] > 0)


def status(ini: Path | None, *, as_json: bool) -> int:
    """Print how many tokens there are, and return the exit status."""
    kit, database = open_store(ini)
    with closing(database):
        counts = count_tokens(database, kit.now())
    if as_json:
        click.echo(json.dumps([asdict(count) for count in counts], indent=2))
    else:
        Console(markup=False, highlight=False).print(_table(counts) if counts else "No token is kept.")
    return 0


def _table(counts: Sequence[TokenCount]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in HEADS:
        table.add_column(head, justify="left" if head == HEADS[0] else "right")
    for count in counts:
        name, *numbers = asdict(count).values()
        table.add_row(name, *(f"{number:,}" for number in numbers))
    return table
