"""What the control page shows of the emulated TikTok: its users, apps, tokens and webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from authkit.emulator import Table
from authkit_tiktok.emulator.world import World

__all__ = ["list_tables"]

MOST_TOKENS = 50
MOST_WEBHOOKS = 50


def list_tables(world: World) -> Sequence[Table]:
    """Return everything that can be shown."""
    return (_users(world), _apps(world), _tokens(world), _webhooks(world))


def _users(world: World) -> Table:
    """Return the users, with an open id for each app and a union id for each developer."""
    apps = tuple(world.apps.values())
    of_developers = tuple({app.developer: app for app in reversed(apps)}.values())[::-1]
    ids = world.identities
    rows = tuple(
        (
            user.username,
            user.display_name,
            *(ids.open_id(user, app) for app in apps),
            *(ids.union_id(user, app) for app in of_developers),
        )
        for user in world.users
    )
    open_ids = (f"Open id at {app.client_key}" for app in apps)
    union_ids = (f"Union id at {app.developer}" for app in of_developers)
    return Table("Users", ("Username", "Display name", *open_ids, *union_ids), rows)


def _apps(world: World) -> Table:
    columns = ("Name", "Client key", "Client secret", "Platform", "Status", "Scopes", "Redirect URIs")
    rows = tuple(
        (
            app.name,
            app.client_key,
            app.client_secret,
            world.platform_of(app),
            app.status,
            ",".join(app.scopes),
            " ".join(app.redirect_uris) or "any",
        )
        for app in world.apps.values()
    )
    return Table("Apps", columns, rows, frozenset({"Client secret"}))


def _tokens(world: World) -> Table:
    """Return the newest tokens, newest first."""
    now = world.clock()
    rows = tuple(
        (
            token.kind,
            text,
            token.grant.user.username,
            token.grant.app.client_key,
            ",".join(token.grant.scopes),
            str(int(ends_at - now)),
        )
        for text, token, ends_at in islice(world.ledger.tokens(), MOST_TOKENS)
    )
    return Table("Tokens", ("Kind", "Token", "User", "App", "Scopes", "Seconds left"), rows, frozenset({"Token"}))


def _webhooks(world: World) -> Table:
    """Return the newest webhooks, newest first; status 0 is an app that gave no answer."""
    rows = tuple(
        (attempt.event.name, attempt.event.app.client_key, attempt.event.app.webhook_url, str(attempt.status))
        for attempt in world.webhooks.attempts[: -MOST_WEBHOOKS - 1 : -1]
    )
    return Table("Webhooks", ("Event", "App", "Address", "Status"), rows)
