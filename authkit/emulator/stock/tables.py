"""What the control page shows of the stock emulator: its users, clients and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from authkit.emulator.control import Table
from authkit.emulator.stock.world import World

__all__ = ["make_tables"]


def make_tables(world: World) -> Sequence[Table]:
    """Return the tables as of now."""
    return (_users(world), _clients(world), _tokens(world))


def _users(world: World) -> Table:
    rows = ((user.label, user.profile.subject, user.profile.email or "") for user in world.users)
    return Table("Users", ("name", "subject", "e-mail"), tuple(rows))


def _clients(world: World) -> Table:
    rows = (
        (
            client.name,
            client.client_id,
            client.client_secret,
            " ".join(client.redirect_uris) or "any https or loopback address",
            " ".join(client.scopes) or "any",
        )
        for client in world.clients.values()
    )
    columns = ("name", world.provider.client_id_param, "client_secret", "redirect URIs", "scopes")
    return Table("Clients", columns, tuple(rows), frozenset({"client_secret"}))


def _tokens(world: World) -> Table:
    rows = (
        (kind, text, grant.user.label, grant.client_id, " ".join(scopes), _time(ends_at))
        for kind, text, grant, scopes, ends_at in world.ledger.living_tokens()
    )
    columns = ("kind", "token", "user", "client", "scopes", "works until")
    return Table("Tokens", columns, tuple(rows), frozenset({"token"}))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
