"""The server's own error page, where a browser cannot be sent back (RFC 6749, section 4.1.2.1)."""

from __future__ import annotations

from authkit.emulator.consent import Problem, render_problem
from authkit.emulator.messages import Answer
from authkit.emulator.stock.refused import Refused
from authkit.emulator.stock.world import World

__all__ = ["show_problem"]


def show_problem(refused: Refused, world: World, title: str) -> Answer:
    """Return a page that says why a request is refused, and which rule it broke."""
    problem = Problem(
        provider=world.provider.title,
        title=title,
        message=refused.description,
        advice=f"{refused.broken.text} ({refused.broken.source})",
        parameter=refused.error,
        log_id=world.ledger.new_text("request"),
    )
    return refused.mark(Answer.page(render_problem(problem), 400))
